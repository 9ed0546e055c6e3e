//! The judges' losses, as burn tensors.

use burn::tensor::{
    Device, Tensor, TensorData,
    activation::{log_sigmoid, log_softmax},
};

/// Contrastive loss, both ways (InfoNCE): each melody is to find its own chords among the batch's, and each
/// chords their melody. `likeness` is [melodies, chords], cosines over the temperature. Mean in nats.
pub fn info_nce(likeness: Tensor<2>, device: &Device) -> Tensor<1> {
    let num = likeness.dims()[0];
    let own = Tensor::<2>::eye(num, device);
    let found = log_softmax(likeness.clone(), 1) + log_softmax(likeness, 0);
    (found * own).sum() / (-2.0 * num as f32)
}

/// Cross-entropy of pairs' logits with the probabilities that they are real. Mean in nats.
pub fn binary(logits: Tensor<1>, real: &[f32], device: &Device) -> Tensor<1> {
    let of = |values: Vec<f32>| Tensor::<1>::from_data(TensorData::new(values, [real.len()]), device);
    let fake = real.iter().map(|p| 1.0 - p).collect();
    let likelihood = log_sigmoid(logits.clone()) * of(real.to_vec()) + log_sigmoid(-logits) * of(fake);
    -likelihood.mean()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(tensor: Tensor<1>) -> f32 {
        tensor.into_data().try_to_vec::<f32>().unwrap()[0]
    }

    #[test]
    fn info_nce_by_hand() {
        let device = Device::flex();
        let of = |x: [[f32; 2]; 2]| number(info_nce(Tensor::from_data(x, &device), &device));
        // No likeness tells nothing: one of two.
        assert!((of([[0.3, 0.3], [0.3, 0.3]]) - 2f32.ln()).abs() < 1e-6);
        // Rows: ln(1 + e^(0-1)) and ln(1 + e^(2-1)); columns: ln(1 + e^(2-1)) and ln(1 + e^(0-1)).
        let expected = ((1.0 + (-1f32).exp()).ln() + (1.0 + 1f32.exp()).ln()) / 2.0;
        assert!((of([[1.0, 0.0], [2.0, 1.0]]) - expected).abs() < 1e-6);
    }

    #[test]
    fn info_nce_pulls_pairs_together() {
        let device = Device::flex().autodiff();
        let x = Tensor::<2>::from_data([[0.0f32, 0.0], [0.0, 0.0]], &device).require_grad();
        let grad = x.grad(&info_nce(x.clone(), &device).backward()).unwrap();
        // Both ways: (p - 1) + (p - 1) on the diagonal and p + p off it, each over 2·2, with p = 1/2.
        assert_eq!(grad.into_data().try_to_vec::<f32>().unwrap(), [-0.25, 0.25, 0.25, -0.25]);
    }

    #[test]
    fn binary_by_hand() {
        let device = Device::flex();
        let of = |z: f32, p: f32| number(binary(Tensor::from_data([z], &device), &[p], &device));
        assert!((of(0.0, 1.0) - 2f32.ln()).abs() < 1e-6);
        // Probability 3/4 of being real.
        let z = 3f32.ln();
        assert!((of(z, 1.0) + 0.75f32.ln()).abs() < 1e-6);
        assert!((of(z, 0.0) + 0.25f32.ln()).abs() < 1e-6);
        assert!((of(z, 0.95) + 0.95 * 0.75f32.ln() + 0.05 * 0.25f32.ln()).abs() < 1e-6);
        // Far out it stays finite.
        assert!((of(-200.0, 1.0) - 200.0).abs() < 1e-3);
    }
}
