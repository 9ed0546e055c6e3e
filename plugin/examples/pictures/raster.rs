//! Draws what egui tessellates, without a display or a GPU: triangles with interpolated colours and a texture, blended
//! as egui's own painters do (premultiplied, in gamma space). Corners snap to 1/256 of a pixel and edges belong to one
//! triangle each, so that nothing is blended twice.

use egui::{
    ClippedPrimitive, Color32, Mesh, Rect, TextureId, TexturesDelta,
    epaint::{ImageData, Primitive, Vertex},
};
use std::collections::HashMap;

/// Parts of a pixel that corners snap to.
const FINE: f32 = 256.0;

/// A texture.
struct Texture {
    size: [usize; 2],
    pixels: Vec<Color32>,
}

/// A canvas with its textures.
pub struct Canvas {
    width: usize,
    height: usize,
    pixels: Vec<[f32; 4]>,
    textures: HashMap<TextureId, Texture>,
}

/// A corner: its place in fine parts of a pixel, and what is interpolated.
#[derive(Clone, Copy)]
struct Corner {
    x: i64,
    y: i64,
    values: [f32; 6],
}

impl Canvas {
    /// A black canvas.
    pub fn new(width: usize, height: usize) -> Self {
        Self::filled(width, height, [0.0, 0.0, 0.0, 1.0])
    }

    /// A canvas that is seen through.
    pub fn clear(width: usize, height: usize) -> Self {
        Self::filled(width, height, [0.0; 4])
    }

    fn filled(width: usize, height: usize, pixel: [f32; 4]) -> Self {
        Self { width, height, pixels: vec![pixel; width * height], textures: HashMap::new() }
    }

    /// Takes in textures.
    pub fn load(&mut self, mut delta: TexturesDelta) {
        for (id, patches) in delta.set.drain() {
            for patch in patches {
                let ImageData::Color(image) = patch.image;
                match (patch.pos, self.textures.get_mut(&id)) {
                    (Some([left, top]), Some(texture)) => {
                        for (row, line) in image.pixels.chunks(image.size[0]).enumerate() {
                            let start = (top + row) * texture.size[0] + left;
                            texture.pixels[start..start + line.len()].copy_from_slice(line);
                        }
                    }
                    _ => {
                        let whole = Texture { size: image.size, pixels: image.pixels.clone() };
                        self.textures.insert(id, whole);
                    }
                }
            }
        }
        delta.clear();
    }

    /// Draws.
    pub fn draw(&mut self, primitives: &[ClippedPrimitive], pixels_per_point: f32) {
        for ClippedPrimitive { clip_rect, primitive } in primitives {
            if let Primitive::Mesh(mesh) = primitive {
                self.mesh(mesh, *clip_rect, pixels_per_point);
            }
        }
    }

    /// The picture's bytes, red, green, blue.
    pub fn rgb(&self) -> Vec<u8> {
        let byte = |share: &f32| (share * 255.0).round().clamp(0.0, 255.0) as u8;
        self.pixels.iter().flat_map(|pixel| pixel[..3].iter().map(byte).collect::<Vec<_>>()).collect()
    }

    /// The same with how dense it is, of which the colours are free.
    pub fn rgba(&self) -> Vec<u8> {
        let byte = |share: f32| (share * 255.0).round().clamp(0.0, 255.0) as u8;
        let free = |[red, green, blue, dense]: &[f32; 4]| {
            let colour = |share: f32| byte(share / dense.max(1e-6));
            [colour(*red), colour(*green), colour(*blue), byte(*dense)]
        };
        self.pixels.iter().flat_map(free).collect()
    }

    fn mesh(&mut self, mesh: &Mesh, clip: Rect, scale: f32) {
        let Some(texture) = self.textures.get(&mesh.texture_id) else { return };
        let edge = |at: f32, most: usize| (at * scale).round().clamp(0.0, most as f32) as i64;
        let clip = [
            edge(clip.min.x, self.width),
            edge(clip.min.y, self.height),
            edge(clip.max.x, self.width),
            edge(clip.max.y, self.height),
        ];
        for three in mesh.indices.chunks_exact(3) {
            let corners = [0, 1, 2].map(|nth| corner(&mesh.vertices[three[nth] as usize], scale));
            fill(&mut self.pixels, self.width, texture, clip, corners);
        }
    }
}

fn corner(vertex: &Vertex, scale: f32) -> Corner {
    let fine = |at: f32| (at * scale * FINE).round() as i64;
    let [red, green, blue, alpha] = vertex.color.to_array().map(|byte| f32::from(byte) / 255.0);
    Corner {
        x: fine(vertex.pos.x),
        y: fine(vertex.pos.y),
        values: [red, green, blue, alpha, vertex.uv.x, vertex.uv.y],
    }
}

fn fill(pixels: &mut [[f32; 4]], width: usize, texture: &Texture, clip: [i64; 4], corners: [Corner; 3]) {
    let cross = |from: Corner, to: Corner, x: i64, y: i64| {
        (to.x - from.x) * (y - from.y) - (to.y - from.y) * (x - from.x)
    };
    let [a, mut b, mut c] = corners;
    let mut area = cross(a, b, c.x, c.y);
    if area < 0 {
        std::mem::swap(&mut b, &mut c);
        area = -area;
    }
    if area == 0 {
        return;
    }
    let fine = FINE as i64;
    let (xs, ys) = ([a.x, b.x, c.x], [a.y, b.y, c.y]);
    let least = |all: [i64; 3]| all.into_iter().min().unwrap_or(0).div_euclid(fine);
    let most = |all: [i64; 3]| all.into_iter().max().unwrap_or(0).div_euclid(fine) + 1;
    // A pixel on an edge belongs to the triangle of which that edge is the top or the left one.
    let owns = |from: Corner, to: Corner| i64::from(to.y < from.y || (to.y == from.y && to.x > from.x)) - 1;
    let bias = [owns(b, c), owns(c, a), owns(a, b)];
    for y in least(ys).max(clip[1])..most(ys).min(clip[3]) {
        for x in least(xs).max(clip[0])..most(xs).min(clip[2]) {
            let (at_x, at_y) = (x * fine + fine / 2, y * fine + fine / 2);
            let edges = [cross(b, c, at_x, at_y), cross(c, a, at_x, at_y), cross(a, b, at_x, at_y)];
            if edges.iter().zip(bias).any(|(edge, bias)| edge + bias < 0) {
                continue;
            }
            let shares = edges.map(|edge| edge as f32 / area as f32);
            let value = |nth: usize| {
                a.values[nth] * shares[0] + b.values[nth] * shares[1] + c.values[nth] * shares[2]
            };
            let texel = sample(texture, value(4), value(5));
            let ink = [0, 1, 2, 3].map(|nth| value(nth) * texel[nth]);
            let pixel = &mut pixels[y as usize * width + x as usize];
            for nth in 0..4 {
                pixel[nth] = ink[nth] + pixel[nth] * (1.0 - ink[3]);
            }
        }
    }
}

/// The texture between its four nearest pixels.
fn sample(texture: &Texture, u: f32, v: f32) -> [f32; 4] {
    let [width, height] = texture.size;
    let (x, y) = (u * width as f32 - 0.5, v * height as f32 - 0.5);
    let (left, top) = (x.floor(), y.floor());
    let (right_share, low_share) = (x - left, y - top);
    let at = |x: f32, y: f32| {
        let x = (x.max(0.0) as usize).min(width - 1);
        let y = (y.max(0.0) as usize).min(height - 1);
        texture.pixels[y * width + x].to_array().map(|byte| f32::from(byte) / 255.0)
    };
    let (a, b) = (at(left, top), at(left + 1.0, top));
    let (c, d) = (at(left, top + 1.0), at(left + 1.0, top + 1.0));
    [0, 1, 2, 3].map(|nth| {
        let high = a[nth] + (b[nth] - a[nth]) * right_share;
        let low = c[nth] + (d[nth] - c[nth]) * right_share;
        high + (low - high) * low_share
    })
}
