//! The desk over the real parameters and the real house. GUI thread; touches nothing that the audio thread waits for.

use super::{
    controls::sheet::{self, Kind},
    desk::{Clock, Desk, Listing, ModelFile},
    folder::Look,
    take_file,
};
use crate::{
    links::{Capture, Health, ModelChoice, Texts},
    memory::export,
    params::{ChordsParams, Control},
    presets::PRESETS,
    worker::catalogue,
};
use music::{grid::FRAMES_PER_BEAT, meter::BarPhase};
use nice_plug::context::gui::GuiContext;
use std::{
    collections::BTreeSet,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    thread::JoinHandle,
};

/// The bar where none is known: common time, in frames.
const PRESUMED_BAR_FRAMES: u8 = 4 * FRAMES_PER_BEAT as u8;

/// What is set to what it is where the host is to know that something else has changed: hardly anyone automates it.
const LEFT_AS_IT_IS: &str = "in_lowest";

/// The gestures that the host was told of and that have not ended.
type Begun = Arc<Mutex<BTreeSet<&'static str>>>;

/// The desk of an instance; it lives on while the window is closed.
pub struct HostDesk {
    params: Arc<ChordsParams>,
    health: Arc<Health>,
    host: Option<GuiContext>,
    begun: Begun,
    models: Vec<ModelFile>,
    /// Reads the models folder: each file is read whole, too long for a drawing.
    search: Option<JoinHandle<Vec<catalogue::Entry>>>,
    /// Looks into folders for a model file.
    look: Look,
    /// Of which capture, and of how many frames, bars were counted last, and how many bars there were.
    bars: ((u32, (usize, bool)), usize),
}

impl HostDesk {
    /// The desk of an instance whose window was not opened yet.
    pub fn new(params: Arc<ChordsParams>, health: Arc<Health>) -> Self {
        let (host, begun, models, search) = (None, Begun::default(), Vec::new(), None);
        Self { params, health, host, begun, models, search, look: Look::default(), bars: Default::default() }
    }

    /// A window was opened. What is under way when it closes ends with `context`: the framework tells nobody that a
    /// window closes, but its context goes.
    pub fn open(&mut self, context: &egui::Context, host: GuiContext) {
        let guard = Guard { params: self.params.clone(), host: host.clone(), begun: self.begun.clone() };
        context
            .data_mut(|memory| memory.insert_temp(egui::Id::unique("gestures under way"), Arc::new(guard)));
        self.host = Some(host);
        self.look_for_models();
    }

    fn control(&self, id: &str) -> Option<&dyn Control> {
        self.params.control(id)
    }

    /// The search's findings, if it is through.
    fn take_findings(&mut self) {
        if !self.search.as_ref().is_some_and(JoinHandle::is_finished) {
            return;
        }
        if let Some(Ok(found)) = self.search.take().map(JoinHandle::join) {
            self.models = found.into_iter().map(model_file).collect();
        }
    }

    /// The framework has no word to the host that there is something to save which is no parameter (nice-plug 0.4.2):
    /// so one is set to what it is.
    fn say_that_something_changed(&mut self) {
        // A hand that is on it says so by itself, and its gesture is not to be ended.
        if !self.begun.lock().unwrap_or_else(PoisonError::into_inner).contains(LEFT_AS_IT_IS) {
            self.begin(LEFT_AS_IT_IS);
            self.set(LEFT_AS_IT_IS, self.normalized(LEFT_AS_IT_IS));
            self.end(LEFT_AS_IT_IS);
        }
    }

    fn save_capture_in(&self, folder: &Path) -> Result<PathBuf, String> {
        let capture = self.params.capture.copy();
        if capture.is_empty() {
            return Err("nothing was captured; play something first".into());
        }
        take_file::write(folder, &take_file::name_now(), &self.midi_file(&capture)?)
    }

    /// What lies to hand of the capture as the bytes of a MIDI file, played as the parameters stand.
    fn midi_file(&self, capture: &Capture) -> Result<Vec<u8>, String> {
        let settings = self.params.settings(false);
        let (_, on_own_clock) = capture.extent();
        let tempo_bpm = if on_own_clock {
            Some(f64::from(self.params.react.free_tempo.value()))
        } else {
            // Captured before tempos were, it is thought to be at the one that was played in last.
            capture.tempo_bpm().or_else(|| self.health.tempo_bpm())
        };
        export::midi_file(capture, tempo_bpm, &settings).map_err(|e| e.to_string())
    }
}

impl Drop for HostDesk {
    fn drop(&mut self) {
        // Its code must not go while it runs.
        if let Some(search) = self.search.take() {
            let _ = search.join();
        }
    }
}

impl Desk for HostDesk {
    fn name(&self, id: &str) -> String {
        self.control(id).map_or_else(String::new, |control| control.name().to_owned())
    }

    fn num_steps(&self, id: &str) -> Option<usize> {
        self.control(id).and_then(|control| control.num_steps())
    }

    fn text(&self, id: &str, normalized: f32) -> String {
        self.control(id).map_or_else(String::new, |control| control.text(normalized))
    }

    fn read(&self, id: &str, text: &str) -> Option<f32> {
        self.control(id).and_then(|control| control.read(text))
    }

    fn normalized(&self, id: &str) -> f32 {
        self.control(id).map_or(0.0, |control| control.normalized())
    }

    fn default_of(&self, id: &str) -> f32 {
        self.control(id).map_or(0.0, |control| control.default_normalized())
    }

    fn snapped(&self, id: &str, normalized: f32) -> f32 {
        self.control(id).map_or(0.0, |control| control.snapped(normalized))
    }

    fn beside(&self, id: &str, from: f32, up: bool, fine: bool) -> f32 {
        self.control(id).map_or(0.0, |control| control.beside(from, up, fine))
    }

    fn begin(&mut self, id: &'static str) {
        let (Some(control), Some(host)) = (self.control(id), &self.host) else { return };
        if self.begun.lock().unwrap_or_else(PoisonError::into_inner).insert(id) {
            control.begin(&host.param_setter());
        }
    }

    fn set(&mut self, id: &'static str, normalized: f32) {
        let (Some(control), Some(host)) = (self.control(id), &self.host) else { return };
        // A gesture that the closing of the window has ended is over.
        if self.begun.lock().unwrap_or_else(PoisonError::into_inner).contains(id) {
            control.set(&host.param_setter(), normalized);
        }
    }

    fn end(&mut self, id: &'static str) {
        let (Some(control), Some(host)) = (self.control(id), &self.host) else { return };
        if self.begun.lock().unwrap_or_else(PoisonError::into_inner).remove(id) {
            control.end(&host.param_setter());
        }
    }

    fn tempo_bpm(&self) -> Option<f64> {
        self.health.tempo_bpm()
    }

    fn presets(&self) -> Vec<String> {
        PRESETS.iter().map(|preset| preset.name.to_owned()).collect()
    }

    fn standing_preset(&self) -> Option<usize> {
        PRESETS.iter().position(|preset| self.params.is_preset(preset))
    }

    fn choose_preset(&mut self, idx: usize) {
        if let (Some(preset), Some(host)) = (PRESETS.get(idx), &self.host) {
            self.params.choose_preset(preset, &host.param_setter());
        }
    }

    fn look_for_models(&mut self) {
        self.take_findings();
        if self.search.is_none() {
            let search = std::thread::Builder::new().name("realchords models".into()).spawn(catalogue::list);
            self.search = search.ok();
        }
    }

    fn models(&mut self) -> &[ModelFile] {
        self.take_findings();
        &self.models
    }

    fn models_folder(&self) -> Option<PathBuf> {
        catalogue::folder()
    }

    fn home(&self) -> Option<PathBuf> {
        take_file::home()
    }

    fn look_into(&mut self, folder: &Path) {
        self.look.begin(folder);
    }

    fn seen(&mut self) -> Option<&Result<Listing, String>> {
        self.look.seen()
    }

    fn chosen_model(&self) -> Option<String> {
        self.params.model.choice().file
    }

    fn choose_model(&mut self, file: Option<String>) {
        self.params.model.choose(ModelChoice { file });
        self.say_that_something_changed();
    }

    fn model_trouble(&self) -> Option<String> {
        let Texts { trouble, beside, .. } = self.health.texts();
        let said: Vec<_> = [trouble, beside].into_iter().filter(|text| !text.is_empty()).collect();
        (!said.is_empty()).then(|| said.join("; "))
    }

    fn model_opening(&self) -> Option<String> {
        Some(self.health.texts().opening).filter(|file| !file.is_empty())
    }

    fn num_captured_bars(&mut self) -> usize {
        let (counted, bars) = self.bars;
        let generation = self.params.capture.generation();
        self.bars = self.params.capture.with(|capture| match (generation, capture.extent()) {
            extent if extent == counted => (counted, bars),
            extent => (extent, num_bars(capture)),
        });
        self.bars.1
    }

    fn save_capture(&mut self) -> Result<PathBuf, String> {
        self.save_capture_in(&take_file::folder()?)
    }

    fn captured_by(&self) -> Option<Clock> {
        self.params.capture.with(|capture| {
            let by = if capture.extent().1 { Clock::Own } else { Clock::Host };
            capture.has_both().then_some(by)
        })
    }

    fn turn_capture(&mut self) {
        self.params.capture.turn();
    }

    fn clear_capture(&mut self) {
        self.params.capture.clear_newest();
        self.say_that_something_changed();
    }

    fn has_former_capture(&self) -> bool {
        self.params.capture.has_former()
    }

    fn bring_back_capture(&mut self) {
        self.params.capture.bring_back();
        self.say_that_something_changed();
    }
}

/// Ends what is under way when it goes.
struct Guard {
    params: Arc<ChordsParams>,
    host: GuiContext,
    begun: Begun,
}

impl Drop for Guard {
    fn drop(&mut self) {
        let begun = std::mem::take(&mut *self.begun.lock().unwrap_or_else(PoisonError::into_inner));
        for id in begun {
            let Some(control) = self.params.control(id) else { continue };
            // The framework panics where the instance went before its window.
            let _ = catch_unwind(AssertUnwindSafe(|| {
                let setter = self.host.param_setter();
                if sheet::row(id).is_some_and(|row| row.kind == Kind::Press) {
                    control.set(&setter, 0.0);
                }
                control.end(&setter);
            }));
        }
    }
}

fn model_file(entry: catalogue::Entry) -> ModelFile {
    let file = entry.path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
    let (name, refused) = match entry.manifest {
        // It is kept as text.
        Ok(_) if entry.path.to_str().is_none() => {
            (file, Some("a project cannot keep this name; give the file another".into()))
        }
        Ok(manifest) => (format!("{file} ({})", manifest.name), None),
        Err(why) => (file, Some(why)),
    };
    ModelFile { name, path: entry.path.to_string_lossy().into_owned(), refused }
}

/// How many bars the frames fill, the last one counted whole.
fn num_bars(capture: &Capture) -> usize {
    let share = |phase| match phase {
        BarPhase::At { length, .. } if length > 0 => 1.0 / f64::from(length),
        _ => 1.0 / f64::from(PRESUMED_BAR_FRAMES),
    };
    let bars: f64 = capture.newest().map(|(_, captured)| share(captured.phase)).sum();
    // Sums of shares miss whole bars by little.
    (bars - 1e-6).max(0.0).ceil() as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{links::Leading, memory::Captured, worker::metadata};
    use midly::{MetaMessage, Smf, TrackEventKind};
    use music::{
        chord::{Chord, Quality},
        grid::Frame,
        harmony::ChordFrame,
        melody::MelodyFrame,
        pitch::PitchClass,
    };
    use nice_plug::{
        context::{PluginApi, gui::GuiContextInner},
        plugin::PluginState,
        prelude::{ParamPtr, Params},
    };

    fn desk() -> HostDesk {
        let health = Arc::new(Health::default());
        HostDesk::new(Arc::new(ChordsParams::new(&health)), health)
    }

    /// A chord is captured that begins with the first frame.
    fn capture(desk: &HostDesk, idx: u8) {
        let struck = ChordFrame::Onset(Chord::new(PitchClass::new(0), Quality::MINOR));
        let chord = if idx == 0 { struck } else { ChordFrame::Hold };
        let phase = BarPhase::At { position: idx % 16, length: 16 };
        let captured =
            Captured { melody: MelodyFrame::Rest, chord, leading: Leading::default(), phase, meter: None };
        desk.params.capture.change(|capture| capture.record(Frame(idx.into()), captured));
    }

    /// A bar of the song at this tempo, and four bars on our own clock.
    fn capture_both(desk: &HostDesk, tempo_bpm: f64) {
        (0..16).for_each(|idx| capture(desk, idx));
        desk.params.capture.change(|capture| {
            let song: Vec<_> = capture.newest().collect();
            for (frame, captured) in (0..4).flat_map(|_| &song).zip(0..).map(|((_, it), at)| (Frame(at), *it))
            {
                capture.record_own(frame, captured);
            }
            capture.set_tempo_bpm(Some(tempo_bpm));
        });
    }

    /// The tempo of the MIDI file that would be saved, in microseconds a beat.
    fn us_per_beat(desk: &HostDesk) -> u32 {
        let bytes = desk.midi_file(&desk.params.capture.copy()).unwrap();
        let smf = Smf::parse(&bytes).unwrap();
        let tempo = smf.tracks[0].iter().find_map(|event| match event.kind {
            TrackEventKind::Meta(MetaMessage::Tempo(tempo)) => Some(tempo.as_int()),
            _ => None,
        });
        tempo.unwrap()
    }

    #[test]
    fn clearing_what_was_played_on_our_own_clock_leaves_the_song() {
        let mut desk = desk();
        capture_both(&desk, 140.0);
        assert_eq!((desk.num_captured_bars(), desk.captured_by()), (4, Some(Clock::Own)));
        desk.clear_capture();
        assert_eq!((desk.num_captured_bars(), desk.captured_by()), (1, None));
        assert!(desk.has_former_capture());
        desk.bring_back_capture();
        assert_eq!((desk.num_captured_bars(), desk.captured_by()), (4, Some(Clock::Own)));
    }

    #[test]
    fn the_song_is_saved_after_a_take_on_our_own_clock_too() {
        let mut desk = desk();
        capture_both(&desk, 140.0);
        let own = desk.midi_file(&desk.params.capture.copy()).unwrap();
        desk.turn_capture();
        assert_eq!((desk.num_captured_bars(), desk.captured_by()), (1, Some(Clock::Host)));
        let song = desk.midi_file(&desk.params.capture.copy()).unwrap();
        assert!(song.len() < own.len(), "{} and {} bytes", song.len(), own.len());
        desk.turn_capture();
        assert_eq!(desk.midi_file(&desk.params.capture.copy()).unwrap(), own);
    }

    #[test]
    fn a_file_is_saved_at_the_tempo_that_was_played_in() {
        let mut desk = desk();
        capture_both(&desk, 140.0);
        // A project just opened: the host has not played yet.
        assert_eq!(desk.health.tempo_bpm(), None);
        assert_eq!(us_per_beat(&desk), 600_000, "the own tempo is 100");
        desk.turn_capture();
        assert_eq!(us_per_beat(&desk), 428_571);
        // What the host does later is of no matter.
        desk.health.set_tempo_bpm(75.0);
        assert_eq!(us_per_beat(&desk), 428_571);
        desk.turn_capture();
        assert_eq!(us_per_beat(&desk), 600_000);
        // A song that was captured before tempos were.
        desk.params.capture.change(|capture| capture.set_tempo_bpm(None));
        desk.turn_capture();
        assert_eq!(us_per_beat(&desk), 800_000);
    }

    #[test]
    fn what_cannot_be_saved_is_not_lost() {
        let mut desk = desk();
        (0..20).for_each(|idx| capture(&desk, idx));
        let before = desk.params.capture.copy();
        // A file where the folder should be.
        let folder = std::env::temp_dir().join(format!("realchords-not-saved-{}", std::process::id()));
        std::fs::write(&folder, "").unwrap();
        let why = desk.save_capture_in(&folder).unwrap_err();
        assert!(why.contains("cannot be written") && why.contains("realchords-not-saved"), "{why}");
        assert_eq!(desk.params.capture.copy(), before);
        assert_eq!(desk.num_captured_bars(), 2);
        std::fs::remove_file(&folder).unwrap();
        let saved = desk.save_capture_in(&folder).unwrap();
        assert_eq!(std::fs::read(saved).unwrap(), desk.midi_file(&before).unwrap());
        assert_eq!(desk.params.capture.copy(), before, "saving forgets nothing");
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn bars_are_counted_and_the_capture_becomes_a_midi_file() {
        let mut desk = desk();
        assert_eq!(desk.num_captured_bars(), 0);
        for idx in 0..17u8 {
            capture(&desk, idx);
            assert_eq!(desk.num_captured_bars(), if idx < 16 { 1 } else { 2 });
        }
        let bytes = desk.midi_file(&desk.params.capture.copy()).unwrap();
        assert!(bytes.starts_with(b"MThd"));
        // A note of the hands, and one of the bass, on their channels.
        assert!([0x90, 0x91].iter().all(|strike| bytes.contains(strike)));
        desk.clear_capture();
        assert_eq!(desk.num_captured_bars(), 0);
        assert!(desk.save_capture().is_err_and(|why| why.contains("nothing was captured")));
    }

    #[test]
    fn a_chosen_model_is_wished_for() {
        let mut desk = desk();
        let before = desk.params.model.generation();
        desk.choose_model(Some("/models/jazz.onnx".into()));
        assert_eq!(desk.chosen_model().as_deref(), Some("/models/jazz.onnx"));
        assert_ne!(desk.params.model.generation(), before);
        let refused = catalogue::Entry { path: "/models/cut.onnx".into(), manifest: Err("cut".into()) };
        let file = model_file(refused);
        assert_eq!((file.name.as_str(), file.refused.as_deref()), ("cut", Some("cut")));
    }

    #[test]
    #[cfg(unix)]
    fn a_model_whose_name_cannot_be_kept_as_text_is_refused_in_words() {
        use std::os::unix::ffi::OsStrExt;
        let name = std::ffi::OsStr::from_bytes(b"/models/caf\xe9.onnx");
        let manifest = metadata::manifest(include_bytes!("../../../assets/model/chords.onnx")).unwrap();
        let whole = |path: PathBuf| model_file(catalogue::Entry { path, manifest: Ok(manifest.clone()) });
        assert_eq!(whole("/models/jazz.onnx".into()).refused, None);
        let why = whole(name.into()).refused.unwrap();
        assert!(why.contains("give the file another"), "{why}");
    }

    /// A host that writes down what it is told.
    #[derive(Default)]
    struct Notebook(Mutex<Vec<(&'static str, ParamPtr, f32)>>);

    impl Notebook {
        fn note(&self, what: &'static str, param: ParamPtr, value: f32) {
            self.0.lock().unwrap().push((what, param, value));
        }
    }

    #[expect(unsafe_code, reason = "so the framework declares what its hosts do; nothing unsafe is done")]
    impl GuiContextInner for Notebook {
        fn plugin_api(&self) -> PluginApi {
            PluginApi::Clap
        }
        unsafe fn raw_begin_set_parameter(&self, param: ParamPtr) {
            self.note("begin", param, 0.0);
        }
        unsafe fn raw_set_parameter_normalized(&self, param: ParamPtr, normalized: f32) {
            self.note("set", param, normalized);
        }
        unsafe fn raw_end_set_parameter(&self, param: ParamPtr) {
            self.note("end", param, 0.0);
        }
        fn get_state(&self) -> PluginState {
            PluginState { version: String::new(), params: Default::default(), fields: Default::default() }
        }
        fn set_state(&self, _: PluginState) {}
        fn request_restart(&self) {}
    }

    #[test]
    fn the_host_learns_that_something_is_to_be_saved_which_is_no_parameter() {
        let (mut desk, host) = (desk(), Arc::new(Notebook::default()));
        desk.host = Some(GuiContext::new(host.clone()));
        let told = || std::mem::take(&mut *host.0.lock().unwrap());
        let param = desk.params.param_map().into_iter().find(|(id, ..)| id == LEFT_AS_IT_IS).unwrap().1;
        let stands = desk.normalized(LEFT_AS_IT_IS);
        let gesture = vec![("begin", param, 0.0), ("set", param, stands), ("end", param, 0.0)];
        desk.choose_model(Some("/models/jazz.onnx".into()));
        assert_eq!(told(), gesture);
        desk.clear_capture();
        assert_eq!(told(), gesture);
        // A gesture that is under way is not ended.
        desk.begin(LEFT_AS_IT_IS);
        desk.choose_model(None);
        assert_eq!(told(), vec![("begin", param, 0.0)]);
    }

    #[test]
    fn a_preset_makes_gestures_of_what_it_changes_only() {
        let (mut desk, host) = (desk(), Arc::new(Notebook::default()));
        desk.host = Some(GuiContext::new(host.clone()));
        let touched = |host: &Notebook| -> BTreeSet<String> {
            let told = std::mem::take(&mut *host.0.lock().unwrap());
            let map = desk.params.param_map();
            let id = |param| map.iter().find(|(_, known, _)| *known == param).unwrap().0.clone();
            told.into_iter().map(|(_, param, _)| id(param)).collect()
        };
        for (idx, preset) in PRESETS.iter().enumerate() {
            desk.params.choose_preset(preset, &desk.host.as_ref().unwrap().param_setter());
            let said = preset.settings.iter().map(|(id, _)| (*id).to_owned()).collect();
            assert_eq!(touched(&host), said, "preset {idx}");
        }
    }

    #[test]
    fn the_standing_preset_is_told_and_without_a_window_nothing_is_set() {
        let mut desk = desk();
        assert_eq!(desk.standing_preset(), Some(0));
        let before = desk.normalized("commit");
        desk.begin("commit");
        desk.set("commit", 1.0);
        desk.end("commit");
        desk.choose_preset(3);
        assert_eq!((desk.normalized("commit"), desk.standing_preset()), (before, Some(0)));
    }
}
