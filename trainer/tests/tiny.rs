//! The tiny recipe from its first stage to its last, as a stranger runs it; killed and resumed it ends with the same bits.

#![cfg(test)]

use safetensors::SafeTensors;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

const CHECKPOINTS: [&str; 6] = [
    "mle.safetensors",
    "teacher.safetensors",
    "judges/discriminative-16-1.safetensors",
    "kd.safetensors",
    "realchords.safetensors",
    "gapt.safetensors",
];

fn recipe() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("recipes/tiny.toml")
}

fn trainer() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trainer"));
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

fn run(data: &Path, run: &Path) -> Child {
    trainer().arg("run").arg(recipe()).arg("--data").arg(data).arg("--run").arg(run).spawn().unwrap()
}

fn finish(child: Child) {
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// What a checkpoint says, in an order of its own: the header's is not always the same.
fn contents(path: &Path) -> BTreeMap<String, Vec<u8>> {
    let bytes = fs::read(path).unwrap();
    let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
    let said = header.metadata().clone().unwrap().into_iter().map(|(key, value)| (key, value.into_bytes()));
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    said.chain(tensors.iter().map(|(name, view)| (name.to_string(), view.data().to_vec()))).collect()
}

#[test]
fn every_stage_runs_and_a_killed_run_ends_with_the_same_bits() {
    let place = tempfile::tempdir().unwrap();
    let (data, whole, broken) = (place.path().join("data"), place.path().join("a"), place.path().join("b"));
    finish(trainer().arg("made").arg(&data).spawn().unwrap());
    finish(run(&data, &whole));
    // Killed again and again, at moments that have nothing to do with its checkpoints.
    for n in 0..6 {
        let mut child = run(&data, &broken);
        #[expect(clippy::disallowed_methods, reason = "the moment of the kill must be any moment")]
        std::thread::sleep(Duration::from_millis(700 + 400 * n));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    finish(run(&data, &broken));
    for name in CHECKPOINTS {
        let (a, b) = (contents(&whole.join(name)), contents(&broken.join(name)));
        assert!(
            a.len() > 10 && a == b,
            "{name} differs between the run that was killed and the one that was not"
        );
    }
    let metrics = fs::read_to_string(whole.join("metrics.jsonl")).unwrap();
    for stage in ["\"mle\"", "\"teacher\"", "\"judges\"", "\"kd\"", "\"realchords\"", "\"gapt\""] {
        assert!(metrics.contains(stage), "no line of {stage}");
    }
    what_was_exported_goes_on_as_the_stage_it_was(&data, &whole, place.path());
    other_songs_and_half_a_corpus_are_refused(&data, &whole);
}

fn what_was_exported_goes_on_as_the_stage_it_was(data: &Path, whole: &Path, place: &Path) {
    let (model, taken) = (place.join("kd.onnx"), place.join("taken"));
    let export = ["export", "--stage", "kd", "--weights", "floats"];
    finish(
        trainer()
            .args(export)
            .arg("--run")
            .arg(whole)
            .arg("--data")
            .arg(data)
            .arg("--out")
            .arg(&model)
            .spawn()
            .unwrap(),
    );
    let mut import = trainer();
    import
        .arg("import")
        .arg(&model)
        .arg("--recipe")
        .arg(recipe())
        .args(["--stage", "kd"])
        .arg("--run")
        .arg(&taken);
    finish(import.spawn().unwrap());
    let [was, is] = [whole, &taken].map(|run| contents(&run.join("kd.safetensors")));
    assert_eq!(was.keys().collect::<Vec<_>>(), is.keys().collect::<Vec<_>>(), "the critic is missing");
    assert_eq!(was["updates"], is["updates"]);
}

fn other_songs_and_half_a_corpus_are_refused(data: &Path, whole: &Path) {
    let corpus = fs::read_dir(data).unwrap().next().unwrap().unwrap().path();
    let refused = |why: &str| {
        let output = run(data, whole).wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(why), "{said}");
    };
    let bytes = fs::read(&corpus).unwrap();
    fs::write(&corpus, &bytes[..bytes.len() / 2]).unwrap();
    refused("no song in");
    finish(trainer().arg("made").arg(data).args(["--songs", "20"]).spawn().unwrap());
    refused("was begun with other songs in made");
}
