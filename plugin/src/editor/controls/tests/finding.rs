//! A model file is found in the user's folders, and the key that is heard is taken, by their names.

use super::*;
use music::{
    key::{Key as Scale, Mode},
    pitch::PitchClass,
};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// A home with a folder of models, an empty one, one that goes, and what is not shown.
fn home(name: &str) -> PathBuf {
    let home = std::env::temp_dir().join(format!("realchords-browse-{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&home);
    for folder in ["Models", "empty", "gone", ".config"] {
        fs::create_dir_all(home.join(folder)).unwrap();
    }
    fs::write(home.join("Models/jazz.onnx"), "").unwrap();
    fs::write(home.join("Models/notes.txt"), "").unwrap();
    home
}

/// A bench whose chooser is open at home.
fn browsing(home: &Path) -> Bench {
    let mut bench = bench(900.0);
    bench.state_mut().1.home = home.to_owned();
    bench.run();
    browse(&mut bench);
    bench
}

fn browse(bench: &mut Bench) {
    bench.get_by_role_and_label(Role::ComboBox, "Model").click();
    bench.run();
    click(bench, "Browse…");
}

fn click(bench: &mut Bench, label: &str) {
    bench.get_by_role_and_label(Role::Button, label).click();
    bench.run();
}

#[test]
fn a_model_file_is_found_and_asked_for() {
    let home = home("found");
    let mut bench = browsing(&home);
    assert!(bench.query_by_label(&home.display().to_string()).is_some(), "where it is");
    let hidden = ["Folder .config", "Model file notes.txt"];
    assert!(hidden.iter().all(|label| bench.query_by_label(label).is_none()));
    let order: Vec<f32> = ["Folder empty", "Folder gone", "Folder Models"]
        .map(|label| bench.get_by_label(label).rect().top())
        .to_vec();
    assert!(order.is_sorted(), "{order:?}");
    click(&mut bench, "Folder Models");
    click(&mut bench, "Up");
    click(&mut bench, "Folder Models");
    let looks = bench.state().1.looks.0;
    (0..10).for_each(|_| bench.step());
    assert_eq!(
        (looks, bench.state().1.looks.0),
        (4, 4),
        "a folder is read when it is gone to, and never else"
    );
    assert!(bench.query_by_label("Model file notes.txt").is_none());
    click(&mut bench, "Model file jazz.onnx");
    let file = home.join("Models").join("jazz.onnx").display().to_string();
    assert_eq!(done(&mut bench), [Done::Model(Some(file))]);
    assert!(bench.query_by_label("Cancel").is_none(), "it is closed");
    // It opens where it was.
    browse(&mut bench);
    assert!(bench.query_by_label("Model file jazz.onnx").is_some());
    click(&mut bench, "Home");
    assert!(bench.query_by_label("Folder empty").is_some());
    fs::remove_dir_all(&home).unwrap();
}

#[test]
fn a_folder_that_is_empty_or_cannot_be_read_says_so() {
    let home = home("said");
    let mut bench = browsing(&home);
    click(&mut bench, "Folder empty");
    assert!(bench.query_by_label("No folders and no .onnx files lie here").is_some());
    click(&mut bench, "Up");
    fs::remove_dir(home.join("gone")).unwrap();
    click(&mut bench, "Folder gone");
    assert!(bench.query_by_label_contains("gone cannot be read: ").is_some());
    click(&mut bench, "Up");
    assert!(bench.query_by_label("Folder Models").is_some(), "there is a way back");
    click(&mut bench, "Cancel");
    assert!(bench.query_by_label("Cancel").is_none());
    assert!(done(&mut bench).is_empty());
    fs::remove_dir_all(&home).unwrap();
}

#[test]
fn keys_alone_find_a_model_file_and_escape_closes() {
    let home = home("keys");
    let mut bench = browsing(&home);
    // The first that lies here has the focus; the third is the folder of models.
    assert!(bench.get_by_label("Folder empty").is_focused());
    for key in [Key::Tab, Key::Tab, Key::Enter] {
        bench.key_press(key);
        bench.run();
    }
    assert!(bench.get_by_label("Model file jazz.onnx").is_focused());
    bench.key_press(Key::Escape);
    bench.run();
    assert!(bench.query_by_label("Cancel").is_none());
    assert!(done(&mut bench).is_empty());
    browse(&mut bench);
    bench.key_press(Key::Enter);
    bench.run();
    assert!(matches!(done(&mut bench).as_slice(), [Done::Model(Some(file))] if file.ends_with("jazz.onnx")));
    fs::remove_dir_all(&home).unwrap();
}

#[test]
fn the_heard_key_is_taken_by_two_gestures() {
    const TAKE: &str = "Take the heard key";
    let mut bench = bench(900.0);
    bench.run();
    let harmony = TABS.iter().position(|tab| tab.name == "Harmony").unwrap();
    on_tab(&mut bench, harmony);
    assert!(bench.get_by_label(TAKE).accesskit_node().is_disabled(), "nothing is heard");
    bench.state_mut().0.hear(Some((Scale::new(PitchClass::new(8), Mode::Dorian), 0.82)));
    bench.run();
    click(&mut bench, TAKE);
    let done = done(&mut bench);
    let [
        Done::Begin("key_tonic"),
        Done::Set("key_tonic", tonic),
        Done::End("key_tonic"),
        Done::Begin("key_mode"),
        Done::Set("key_mode", mode),
        Done::End("key_mode"),
    ] = done.as_slice()
    else {
        panic!("{done:?}")
    };
    let desk = &bench.state().1;
    assert_eq!(
        (desk.text("key_tonic", *tonic), desk.text("key_mode", *mode)),
        ("Ab".into(), "Dorian".into())
    );
    bench.state_mut().0.hear(None);
    bench.run();
    assert!(bench.get_by_label(TAKE).accesskit_node().is_disabled());
}
