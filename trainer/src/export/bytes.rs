//! Matrices of bytes: each column has a scale of its own, and a byte stands for a whole number of steps of it from
//! [`ZERO`]. Columns that a transposition carries into each other hold the same numbers in another order, so they have the
//! same scale and the same bytes: what is exact under transposition stays so.

/// The byte that stands for 0.
pub const ZERO: u8 = 128;
/// The most steps from 0: where processors have no instruction for sums of bytes (before 2019, or 2022), engines add two
/// products in 16 bits, and with more steps those would overflow.
const MOST: f32 = 63.0;

/// A matrix of bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct Bytes {
    /// `[rows, columns]`.
    pub numbers: Vec<u8>,
    /// `[columns]`: what a step is worth.
    pub scales: Vec<f32>,
}

impl Bytes {
    /// The nearest bytes to a matrix `[rows, columns]`.
    pub fn of(matrix: &[f32], columns: usize) -> Self {
        let mut scales = vec![0.0f32; columns];
        for row in matrix.chunks_exact(columns) {
            for (scale, number) in scales.iter_mut().zip(row) {
                *scale = scale.max(number.abs() / MOST);
            }
        }
        let byte = |(number, scale): (&f32, &f32)| {
            let steps = if *scale > 0.0 { (number / scale).round() } else { 0.0 };
            (steps.clamp(-MOST, MOST) + f32::from(ZERO)) as u8
        };
        let numbers =
            matrix.chunks_exact(columns).flat_map(|row| row.iter().zip(&scales).map(byte)).collect();
        Self { numbers, scales }
    }

    /// What the bytes stand for: `[rows, columns]`.
    pub fn floats(&self) -> Vec<f32> {
        let float = |(byte, scale): (&u8, &f32)| (f32::from(*byte) - f32::from(ZERO)) * scale;
        self.numbers
            .chunks_exact(self.scales.len().max(1))
            .flat_map(|row| row.iter().zip(&self.scales).map(float))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_is_the_nearest_step_of_its_column() {
        let matrix = [0.63, 0.0, -0.314, -0.63, 0.0, 6.3];
        let bytes = Bytes::of(&matrix, 3);
        assert_eq!(bytes.numbers, [191, 128, 125, 65, 128, 191]);
        assert_eq!(bytes.scales, [0.63 / 63.0, 0.0, 6.3 / 63.0]);
        for (back, number) in bytes.floats().iter().zip(matrix) {
            assert!((back - number).abs() <= 0.05, "{back} for {number}");
        }
        assert_eq!(Bytes::of(&bytes.floats(), 3), bytes, "bytes that are read come back as they were");
    }
}
