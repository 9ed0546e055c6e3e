//! What does one drawing of the editor cost, with a full roll, on one core? Layout and tessellation, as a window does it
//! sixty times a second while music plays; what the GPU does with the triangles is not counted.

use criterion::{Criterion, criterion_group, criterion_main};
use egui::{Context, Pos2, RawInput, Rect, vec2};
use music::grid::Beats;
use realchords::editor::{
    controls::Controls,
    face::{Face, Room},
    rehearsal::{PaperDesk, Rehearsal},
    theme, view,
};
use std::{cell::Cell, hint::black_box};

fn drawings(criterion: &mut Criterion) {
    let plain = Face::default();
    for (name, face) in [
        ("one drawing of the main view with a full roll", plain),
        ("one drawing of the main view, 1600 x 1000 points", Face { size: (1600.0, 1000.0), ..plain }),
        ("one drawing of the stage view", Face { room: Room::Stage, ..plain }),
    ] {
        let mut rehearsal = Rehearsal::playing();
        rehearsal.face = face;
        let (mut desk, mut controls) = (PaperDesk::new(), Controls::default());
        let context = Context::default();
        theme::set_fonts(&context);
        theme::dress(&context, face.shade);
        let pass = Cell::new(0_u32);
        let start = rehearsal.snapshot.place.unwrap_or_default().0;
        criterion.bench_function(name, |bencher| {
            bencher.iter(|| {
                pass.set(pass.get() + 1);
                // Music goes on, so that nothing stands where it stood.
                rehearsal.snapshot.place = Some(Beats(start + f64::from(pass.get() % 16) / 64.0));
                let input = RawInput {
                    screen_rect: Some(Rect::from_min_size(Pos2::ZERO, vec2(face.size.0, face.size.1))),
                    time: Some(f64::from(pass.get()) / 60.0),
                    ..RawInput::default()
                };
                let mut output = context.run_ui(input, |ui| {
                    view::show(ui, &rehearsal.scene(), &mut desk, &mut controls);
                    controls.end_pass(&mut desk);
                });
                output.textures_delta.clear();
                black_box(context.tessellate(output.shapes, output.pixels_per_point))
            });
        });
    }
}

criterion_group!(benches, drawings);
criterion_main!(benches);
