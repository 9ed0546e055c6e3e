//! Everything in the trainer that needs `unsafe`, behind safe functions: matrix products on strided slices,
//! row kernels compiled for AVX2 where the processor has it, and the allocator's settings. Nothing else here.
#![expect(
    unsafe_code,
    reason = "calls into gemm, target-feature dispatch and mallopt; each call states its proof"
)]

use gemm::{Parallelism, gemm};

/// A view of a matrix inside a slice: `data[row * rows + col * cols]`.
#[derive(Clone, Copy, Debug)]
pub struct Strides {
    /// Distance between rows, in numbers.
    pub rows: usize,
    /// Distance between columns, in numbers.
    pub cols: usize,
}

/// Row-major strides with `width` numbers from row to row.
pub const fn row_major(width: usize) -> Strides {
    Strides { rows: width, cols: 1 }
}

/// The transpose of a row-major matrix with `width` numbers from row to row.
pub const fn transposed(width: usize) -> Strides {
    Strides { rows: 1, cols: width }
}

/// `c = a b`, or `c += a b` where `accumulate`; a is [m, k], b is [k, n], c is [m, n]. One thread.
///
/// # Panics
/// Where a matrix does not lie within its slice.
#[expect(clippy::too_many_arguments, reason = "three matrices, three sizes and a flag are what a product is")]
pub fn matmul(
    c: &mut [f32],
    cs: Strides,
    a: &[f32],
    as_: Strides,
    b: &[f32],
    bs: Strides,
    [m, k, n]: [usize; 3],
    accumulate: bool,
) {
    if m == 0 || n == 0 {
        return;
    }
    let last = |s: Strides, rows: usize, cols: usize| (rows - 1) * s.rows + (cols - 1) * s.cols;
    assert!(last(cs, m, n) < c.len(), "c lies outside its slice");
    assert!(
        k > 0 && last(as_, m, k) < a.len() && last(bs, k, n) < b.len(),
        "a factor lies outside its slice"
    );
    // SAFETY: every element the product touches lies within its slice, by the assertions above; c is borrowed
    // mutably and so does not overlap a or b.
    unsafe {
        gemm(
            m,
            n,
            k,
            c.as_mut_ptr(),
            cs.cols as isize,
            cs.rows as isize,
            accumulate,
            a.as_ptr(),
            as_.cols as isize,
            as_.rows as isize,
            b.as_ptr(),
            bs.cols as isize,
            bs.rows as isize,
            1.0,
            1.0,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}

/// Declares functions twice, plain and for AVX2 + FMA, and calls the better one the processor has.
macro_rules! row_kernels {
    ($($(#[$doc:meta])* pub fn $name:ident($($arg:ident: $ty:ty),*) $(-> $out:ty)? $body:block)*) => { $(
        $(#[$doc])*
        pub fn $name($($arg: $ty),*) $(-> $out)? {
            #[inline(always)]
            fn body($($arg: $ty),*) $(-> $out)? $body
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2,fma")]
                fn wide($($arg: $ty),*) $(-> $out)? { body($($arg),*) }
                if std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("fma") {
                    // SAFETY: the processor has the features the function was compiled for.
                    return unsafe { wide($($arg),*) };
                }
            }
            body($($arg),*)
        }
    )* };
}

const LANES: usize = 16;

/// e^x to about 1e-7 relative, in a form that vectorises. Below -87 it is the value at -87.
#[inline(always)]
fn exp(x: f32) -> f32 {
    // Range reduction by ln 2 in two parts, then a degree-6 minimax polynomial (Cephes' expf coefficients).
    let x = x.max(-87.0);
    let n = (x * std::f32::consts::LOG2_E + 12_582_912.0) - 12_582_912.0;
    let r = n.mul_add(-0.693_359_4, x);
    let r = n.mul_add(2.121_944_4e-4, r);
    let p = 1.987_569_1e-4_f32
        .mul_add(r, 1.398_2e-3)
        .mul_add(r, 8.333_452e-3)
        .mul_add(r, 4.166_579_6e-2)
        .mul_add(r, 1.666_666_5e-1)
        .mul_add(r, 0.5)
        .mul_add(r * r, r)
        + 1.0;
    f32::from_bits(((n as i32 + 127) << 23) as u32) * p
}

/// (Φ(x), e^(-x²/2)): the normal distribution by Abramowitz and Stegun 7.1.26, error at most 1.5e-7.
#[inline(always)]
fn normal(x: f32) -> (f32, f32) {
    let z = x.abs() * std::f32::consts::FRAC_1_SQRT_2;
    let t = 1.0 / z.mul_add(0.327_591_1, 1.0);
    let e = exp(-z * z);
    let p = t * 1.061_405_4_f32
        .mul_add(t, -1.453_152)
        .mul_add(t, 1.421_413_7)
        .mul_add(t, -0.284_496_74)
        .mul_add(t, 0.254_829_6);
    let tail = 0.5 * p * e;
    (if x >= 0.0 { 1.0 - tail } else { tail }, e)
}

row_kernels! {
    /// The largest number of a row.
    pub fn row_max(row: &[f32]) -> f32 {
        let mut best = [f32::MIN; LANES];
        let chunks = row.chunks_exact(LANES);
        let rest = chunks.remainder();
        for chunk in chunks {
            for i in 0..LANES { best[i] = if chunk[i] > best[i] { chunk[i] } else { best[i] }; }
        }
        best.iter().chain(rest).fold(f32::MIN, |a, b| a.max(*b))
    }
    /// Replaces x by e^(scale x - shift) and returns the sum.
    pub fn exp_sum(row: &mut [f32], scale: f32, shift: f32) -> f32 {
        let mut sums = [0.0f32; LANES];
        let whole = row.len() / LANES * LANES;
        let (head, tail) = row.split_at_mut(whole);
        for chunk in head.chunks_exact_mut(LANES) {
            for i in 0..LANES { chunk[i] = exp(chunk[i].mul_add(scale, -shift)); sums[i] += chunk[i]; }
        }
        let mut total: f32 = sums.iter().sum();
        for x in tail { *x = exp(x.mul_add(scale, -shift)); total += *x; }
        total
    }
    /// Multiplies a row.
    pub fn scale_row(row: &mut [f32], by: f32) { for x in row { *x *= by; } }
    /// The scalar product of two rows.
    pub fn dot(a: &[f32], b: &[f32]) -> f32 {
        let mut sums = [0.0f32; LANES];
        let (ac, bc) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
        let tail: f32 = ac.remainder().iter().zip(bc.remainder()).map(|(a, b)| a * b).sum();
        for (a, b) in ac.zip(bc) { for i in 0..LANES { sums[i] = a[i].mul_add(b[i], sums[i]); } }
        sums.iter().sum::<f32>() + tail
    }
    /// The scalar product of `x` with each of the rows of `rows`, which begin `stride` numbers apart.
    pub fn products(x: &[f32], rows: &[f32], stride: usize, out: &mut [f32]) {
        for (r, out) in out.iter_mut().enumerate() {
            let row = &rows[r * stride..r * stride + x.len()];
            let mut sums = [0.0f32; LANES];
            let (xc, rc) = (x.chunks_exact(LANES), row.chunks_exact(LANES));
            let tail: f32 = xc.remainder().iter().zip(rc.remainder()).map(|(a, b)| a * b).sum();
            for (a, b) in xc.zip(rc) { for i in 0..LANES { sums[i] = a[i].mul_add(b[i], sums[i]); } }
            *out = sums.iter().sum::<f32>() + tail;
        }
    }
    /// The sum of rows, which begin `stride` numbers apart, each times its weight.
    pub fn weighted(weights: &[f32], rows: &[f32], stride: usize, out: &mut [f32]) {
        out.fill(0.0);
        for (r, w) in weights.iter().enumerate() {
            let row = &rows[r * stride..r * stride + out.len()];
            for (y, x) in out.iter_mut().zip(row) { *y = w.mul_add(*x, *y); }
        }
    }
    /// Softmax's backward on a row: `dp = p (dp - mean) scale`.
    pub fn softmax_back(p: &[f32], dp: &mut [f32], mean: f32, scale: f32) {
        for (d, p) in dp.iter_mut().zip(p) { *d = p * (*d - mean) * scale; }
    }
    /// `y = x s`.
    pub fn scaled(x: &[f32], s: f32, y: &mut [f32]) { for (y, x) in y.iter_mut().zip(x) { *y = x * s; } }
    /// `y = a x + b z`.
    pub fn combine(a: f32, x: &[f32], b: f32, z: &[f32], y: &mut [f32]) {
        for ((y, x), z) in y.iter_mut().zip(x).zip(z) { *y = a.mul_add(*x, b * z); }
    }
    /// `y += x`.
    pub fn add(x: &[f32], y: &mut [f32]) { for (y, x) in y.iter_mut().zip(x) { *y += x; } }
    /// `y[o] = sum over i of matrix[o][i] x[i]`, where x and y are 12 rows of `channels` numbers.
    pub fn mix(x: &[f32], y: &mut [f32], channels: usize, matrix: &[[f32; 12]; 12]) {
        let mut first = 0;
        while first + LANES <= channels {
            for (o, row) in matrix.iter().enumerate() {
                let mut sum = [0.0f32; LANES];
                for (i, factor) in row.iter().enumerate() {
                    let x = &x[i * channels + first..i * channels + first + LANES];
                    for l in 0..LANES { sum[l] = factor.mul_add(x[l], sum[l]); }
                }
                y[o * channels + first..o * channels + first + LANES].copy_from_slice(&sum);
            }
            first += LANES;
        }
        for c in first..channels {
            for (o, row) in matrix.iter().enumerate() {
                y[o * channels + c] = row.iter().enumerate().map(|(i, factor)| factor * x[i * channels + c]).sum();
            }
        }
    }
    /// Exact GELU.
    pub fn gelu(x: &[f32], y: &mut [f32]) { for (y, &x) in y.iter_mut().zip(x) { *y = x * normal(x).0; } }
    /// Exact GELU's backward.
    pub fn gelu_back(x: &[f32], g: &[f32], y: &mut [f32]) {
        for ((y, &x), &g) in y.iter_mut().zip(x).zip(g) { let (phi, e) = normal(x); *y = g * (x * 0.398_942_3).mul_add(e, phi); }
    }
    /// One AdamW update of a parameter in place: `p -= rate (m̂ / (√v̂ + eps) + decay p)`.
    pub fn adamw(p: &mut [f32], m: &mut [f32], v: &mut [f32], g: &[f32], k: crate::optimizer::AdamFactors) {
        for (((p, m), v), &g) in p.iter_mut().zip(m).zip(v).zip(g) {
            let g = g * k.grad_scale;
            *m = k.beta1.mul_add(*m, (1.0 - k.beta1) * g);
            *v = k.beta2.mul_add(*v, (1.0 - k.beta2) * g * g);
            *p -= k.rate * ((*m * k.bias1) / ((*v * k.bias2).sqrt() + k.eps) + k.decay * *p);
        }
    }
}

/// Tells glibc to keep freed memory: training allocates and frees the same large buffers at every step.
/// Call once, at the start of main. Elsewhere than glibc it does nothing.
pub fn keep_freed_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: mallopt only sets parameters of the allocator.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, 1 << 30);
        libc::mallopt(libc::M_TRIM_THRESHOLD, i32::MAX);
        libc::mallopt(libc::M_TOP_PAD, 64 << 20);
    }
}
