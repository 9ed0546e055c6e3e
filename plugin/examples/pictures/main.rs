//! Pictures of the editor, drawn without a display or a GPU: `cargo xtask pictures`, or
//! `cargo run -p realchords --example pictures -- FOLDER [NAME]`. One picture a scene; they are looked at by people. And
//! our sign, as it lies in `assets`.

mod raster;

use egui::{Context, Event, Pos2, RawInput, Rect, Vec2, pos2, vec2};
use raster::Canvas;
use realchords::editor::{
    controls::Controls,
    face::{Face, LEAST_SIZE, Room, Shade},
    icon,
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
    let small = Face { size: LEAST_SIZE, ..plain };
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
        picture("harmony", Rehearsal::playing, Face { page: 1, ..plain }),
        picture("voicing", Rehearsal::playing, Face { page: 2, ..plain }),
        picture("output", Rehearsal::playing, Face { page: 3, ..plain }),
        picture("output-light", Rehearsal::playing, Face { page: 3, shade: Shade::Light, ..plain }),
        picture("small", Rehearsal::playing, small),
        picture("small-harmony", Rehearsal::playing, Face { page: 1, ..small }),
        picture("small-voicing", Rehearsal::playing, Face { page: 2, ..small }),
        picture("small-output", Rehearsal::playing, Face { page: 3, ..small }),
        picture("small-waiting", Rehearsal::empty, small),
        picture("small-listening", Rehearsal::listening, small),
        picture("small-behind", Rehearsal::behind, small),
        picture("small-model-missing", Rehearsal::model_missing, small),
        picture("small-stage", Rehearsal::playing, Face { room: Room::Stage, ..small }),
        // As where a host keeps its window as it is at a zoom of 200 %.
        picture("cramped", Rehearsal::playing, Face { size: (450.0, 280.0), ..plain }),
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
    if only.is_none_or(|only| only == "icon") {
        sign(Path::new(&folder))?;
    }
    Ok(())
}

/// Draws our sign.
fn sign(folder: &Path) -> Result<(), Box<dyn Error>> {
    let side = 512usize;
    let rect = Rect::from_min_size(Pos2::ZERO, Vec2::splat(side as f32));
    let context = Context::default();
    let mut canvas = Canvas::clear(side, side);
    let input = RawInput { screen_rect: Some(rect), ..RawInput::default() };
    let mut output = context.run_ui(input, |ui| icon::paint(ui.painter(), rect));
    canvas.load(std::mem::take(&mut output.textures_delta));
    let primitives = context.tessellate(output.shapes, 1.0);
    canvas.draw(&primitives, 1.0);
    save(&folder.join("icon.png"), side as u32, side as u32, png::ColorType::Rgba, &canvas.rgba())?;
    fs::write(folder.join("icon.svg"), icon::svg())?;
    Ok(())
}

fn save(
    path: &Path,
    width: u32,
    height: u32,
    colours: png::ColorType,
    bytes: &[u8],
) -> Result<(), Box<dyn Error>> {
    let file = std::io::BufWriter::new(fs::File::create(path)?);
    let mut encoder = png::Encoder::new(file, width, height);
    encoder.set_color(colours);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::High);
    encoder.write_header()?.write_image_data(bytes)?;
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
    save(path, pixels.x as u32, pixels.y as u32, png::ColorType::Rgb, &canvas.rgb())
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
