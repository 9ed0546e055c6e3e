//! How sure a mean over songs is: a percentile bootstrap that draws songs, all seeds of a song together.

use music::sampling::{Draw, uniform};

/// Times that the songs are drawn anew.
const DRAWS: usize = 2000;

/// The 95 % confidence interval of the mean; `None` without values. The same values give the same interval.
pub fn interval(values: &[f64]) -> Option<[f64; 2]> {
    if values.is_empty() {
        return None;
    }
    let num = values.len();
    let mut means: Vec<f64> = (0..DRAWS)
        .map(|draw| {
            let place = |n: usize| (uniform(draw as u64, n as i64, Draw::Performance) * num as f64) as usize;
            (0..num).map(|n| values[place(n).min(num - 1)]).sum::<f64>() / num as f64
        })
        .collect();
    means.sort_by(f64::total_cmp);
    Some([means[DRAWS * 25 / 1000], means[DRAWS * 975 / 1000 - 1]])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_where_songs_differ_and_nothing_where_they_do_not() {
        assert_eq!(interval(&[]), None);
        assert_eq!(interval(&[0.5; 32]), Some([0.5; 2]));
        // Half zeros, half ones, 100 songs: the mean's deviation is .05, so that the interval is near .5 +-
        // .098.
        let values: Vec<f64> = (0..100).map(|n| f64::from(n % 2)).collect();
        let [low, high] = interval(&values).unwrap();
        assert!((low - 0.402).abs() < 0.02 && (high - 0.598).abs() < 0.02, "{low} {high}");
        assert_eq!(interval(&values), interval(&values));
    }
}
