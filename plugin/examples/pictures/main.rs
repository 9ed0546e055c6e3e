//! Pictures of the editor, drawn without a display or a GPU: `cargo xtask pictures`, or
//! `cargo run -p realchords --example pictures -- FOLDER [NAME]`. One picture a scene; they are looked at by people.

mod raster;

use egui::{Context, Event, Pos2, RawInput, Rect, Vec2, pos2, vec2};
use raster::Canvas;
use realchords::editor::{
    controls::Controls,
    face::{Face, Room, Shade},
    rehearsal::{PaperDesk, Rehearsal},
    theme, view,
};
use std::{error::Error, fs, path::Path};

/// A picture.
struct Picture {
    name: &'static str,
    rehearsal: fn() -> Rehearsal,
    face: Face,
    /// The tab of controls that is clicked on, by its place.
    click: Option<Pos2>,
}

/// All of them.
fn pictures() -> Vec<Picture> {
    let plain = Face::default();
    let picture = |name, rehearsal, face| Picture { name, rehearsal, face, click: None };
    vec![
        picture("playing", Rehearsal::playing, plain),
        picture("listening", Rehearsal::listening, plain),
        picture("waiting", Rehearsal::empty, plain),
        picture("behind", Rehearsal::behind, plain),
        picture("model-missing", Rehearsal::model_missing, plain),
        picture("looping", Rehearsal::looping, plain),
        picture("light", Rehearsal::playing, Face { shade: Shade::Light, ..plain }),
        picture("stage", Rehearsal::playing, Face { room: Room::Stage, ..plain }),
        picture("stage-listening", Rehearsal::listening, Face { room: Room::Stage, ..plain }),
        picture("stage-light", Rehearsal::playing, Face { room: Room::Stage, shade: Shade::Light, ..plain }),
        picture("small", Rehearsal::playing, Face { size: (640.0, 400.0), ..plain }),
        picture("large", Rehearsal::playing, Face { size: (1400.0, 900.0), ..plain }),
        picture("folded", Rehearsal::playing, Face { folded: true, calm: true, ..plain }),
        picture("zoom-75", Rehearsal::playing, Face { zoom: 0.75, ..plain }),
        picture("zoom-200", Rehearsal::playing, Face { zoom: 2.0, ..plain }),
        Picture { click: Some(pos2(723.0, 23.0)), ..picture("look", Rehearsal::playing, plain) },
    ]
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let folder = args.next().unwrap_or_else(|| "target/pictures".into());
    let only = args.next();
    fs::create_dir_all(&folder)?;
    for picture in pictures().iter().filter(|picture| only.as_ref().is_none_or(|only| picture.name == only)) {
        let path = Path::new(&folder).join(format!("{}.png", picture.name));
        write(&path, picture)?;
        println!("{}", path.display());
    }
    Ok(())
}

fn write(path: &Path, picture: &Picture) -> Result<(), Box<dyn Error>> {
    let mut rehearsal = (picture.rehearsal)();
    rehearsal.face = picture.face;
    let (mut desk, mut controls) = (PaperDesk::new(), Controls::default());
    let context = Context::default();
    theme::set_fonts(&context);
    theme::dress(&context, picture.face.shade);
    let zoom = picture.face.zoom;
    let points = Vec2::from(picture.face.size);
    let pixels = (points * zoom).round();
    let mut canvas = Canvas::new(pixels.x as usize, pixels.y as usize);
    context.set_zoom_factor(zoom);
    // The first pass lays out, the later ones settle and take the click.
    for pass in 0..6 {
        let events = picture.click.map_or_else(Vec::new, |at| click(pass, at));
        let input = RawInput {
            screen_rect: Some(Rect::from_min_size(Pos2::ZERO, vec2(points.x, points.y))),
            time: Some(f64::from(pass) * 0.1),
            events,
            ..RawInput::default()
        };
        let mut output = context.run_ui(input, |ui| {
            view::show(ui, &rehearsal.scene(), &mut desk, &mut controls);
            controls.end_pass(&mut desk);
        });
        canvas.load(std::mem::take(&mut output.textures_delta));
        if pass == 5 {
            let scale = output.pixels_per_point;
            let primitives = context.tessellate(output.shapes, scale);
            canvas.draw(&primitives, scale);
        }
    }
    let mut encoder =
        png::Encoder::new(std::io::BufWriter::new(fs::File::create(path)?), pixels.x as u32, pixels.y as u32);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::High);
    encoder.write_header()?.write_image_data(&canvas.rgb())?;
    Ok(())
}

/// What a hand does in a pass that clicks.
fn click(pass: u32, at: Pos2) -> Vec<Event> {
    let button = |pressed| Event::PointerButton {
        pos: at,
        button: egui::PointerButton::Primary,
        pressed,
        modifiers: egui::Modifiers::NONE,
    };
    match pass {
        1 => vec![Event::PointerMoved(at), button(true)],
        2 => vec![button(false)],
        _ => Vec::new(),
    }
}
