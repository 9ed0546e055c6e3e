//! The ONNX Runtime engine; the only file that names `ort`. Worker thread.
//!
//! One environment a process, for ever: a second one cannot be built. One thread, no spinning. The cache is given
//! to the graph as a view of our own memory; the graph returns only a step's new rows. A file's session is shared by
//! all instances of the process, which take turns at it.

use super::{
    library,
    model::{ChordModel, Dims, KvRing, ModelError, StepInput, StepOutput},
    shelf::{Shelf, Turns},
};
use music::{
    manifest::{Manifest, names},
    melody::CHROMA_FEATURES,
};
use ort::{environment::Environment, inputs, session::Session, value::TensorRef};
use std::sync::{Arc, Mutex, PoisonError};

const ENGINE: &str = "ONNX Runtime";

/// The environment and its library's file name, once it was built. A library that could not be loaded may be there
/// the next time.
static ENVIRONMENT: Mutex<Option<(Environment, String)>> = Mutex::new(None);

/// The sessions of this process.
static SESSIONS: Shelf<Turns<Session>> = Shelf::new();

/// A model in ONNX Runtime.
pub struct OnnxRuntime {
    session: Arc<Turns<Session>>,
    dims: Dims,
    library: String,
}

impl OnnxRuntime {
    /// Opens a model file's bytes, whose manifest was checked.
    ///
    /// # Errors
    /// There is no usable library, or it refuses the file.
    pub fn open(file: &[u8], manifest: &Manifest) -> Result<Self, ModelError> {
        let open = |reason: String| ModelError::Open { engine: ENGINE, reason };
        let (environment, library) = environment().map_err(open)?;
        let session = SESSIONS
            .take(file, || session(&environment, file).map(Turns::new))
            .map_err(|e| open(one_line(&e)))?;
        Ok(Self { session, dims: Dims::of(manifest), library })
    }

    /// The library's file name, which tells its version.
    pub fn library(&self) -> &str {
        &self.library
    }

    /// How many models share this one's session, itself counted.
    pub fn num_sharing(&self) -> usize {
        Arc::strong_count(&self.session)
    }

    fn run(
        &self,
        session: &mut Session,
        input: &StepInput,
        cache: &KvRing,
        output: &mut StepOutput,
    ) -> Result<(), ModelError> {
        let failed = |e: ort::Error| ModelError::Step { engine: ENGINE, reason: one_line(&e) };
        let Dims { layers, heads, head_size, context } = self.dims;
        let shape = [layers, heads, context, head_size];
        let [chord, melody, bar_position, bar_length] =
            [input.chord.id(), input.melody.id(), input.bar.0, input.bar.1].map(|id| [id as i32]);
        let position = [input.position as i32];
        let one = [1usize];
        let inputs = (|| {
            Ok(inputs![
                names::CHORD => TensorRef::from_array_view((one, &chord[..]))?,
                names::MELODY => TensorRef::from_array_view((one, &melody[..]))?,
                names::BAR_POSITION => TensorRef::from_array_view((one, &bar_position[..]))?,
                names::BAR_LENGTH => TensorRef::from_array_view((one, &bar_length[..]))?,
                names::POSITION => TensorRef::from_array_view((one, &position[..]))?,
                names::CHROMA => TensorRef::from_array_view(([1, CHROMA_FEATURES], &input.chroma[..]))?,
                names::KEYS => TensorRef::from_array_view((shape, cache.keys()))?,
                names::VALUES => TensorRef::from_array_view((shape, cache.values()))?,
                names::CACHE_MASK => TensorRef::from_array_view(([context], cache.mask()))?,
            ])
        })()
        .map_err(failed)?;
        let answer = session.run(inputs).map_err(failed)?;
        let wanted: [(&'static str, &mut Vec<f32>); 4] = [
            (names::CHORD_LOGITS, &mut output.chord_logits),
            (names::MELODY_LOGITS, &mut output.melody_logits),
            (names::NEW_KEYS, &mut output.new_keys),
            (names::NEW_VALUES, &mut output.new_values),
        ];
        for (name, to) in wanted {
            let value = answer.get(name).ok_or(ModelError::Size { name, file: 0, promised: to.len() })?;
            let (_, from) = value.try_extract_tensor::<f32>().map_err(failed)?;
            if from.len() != to.len() {
                return Err(ModelError::Size { name, file: from.len(), promised: to.len() });
            }
            to.copy_from_slice(from);
        }
        Ok(())
    }
}

fn environment() -> Result<(Environment, String), String> {
    let mut held = ENVIRONMENT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(built) = &*held {
        return Ok(built.clone());
    }
    let path = library::find().map_err(|e| e.to_string())?;
    let refused = |error: ort::LoadDynamicError| {
        let path = path.display().to_string();
        format!(
            "the library cannot be loaded ({}): {path}",
            one_line(&error.to_string().replace(&path, "it"))
        )
    };
    let builder = ort::init_from(&path).map_err(refused)?;
    let environment =
        builder.with_name("realchords").with_telemetry(false).build().map_err(|e| one_line(&e))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(held.insert((environment, name)).clone())
}

fn session(environment: &Environment, file: &[u8]) -> ort::Result<Session> {
    Session::builder(environment)?
        .with_intra_threads(1)?
        .with_inter_threads(1)?
        .with_intra_op_spinning(false)?
        .with_inter_op_spinning(false)?
        .commit_from_memory(file)
}

impl ChordModel for OnnxRuntime {
    fn dims(&self) -> Dims {
        self.dims
    }

    fn step(&mut self, input: &StepInput, cache: &KvRing, output: &mut StepOutput) -> Result<(), ModelError> {
        let mut session = self.session.take_turn();
        self.run(&mut session, input, cache, output)
    }

    fn step_unless(
        &mut self,
        input: &StepInput,
        cache: &KvRing,
        output: &mut StepOutput,
        stop: &dyn Fn() -> bool,
    ) -> Result<bool, ModelError> {
        let Some(mut session) = self.session.take_turn_unless(stop) else { return Ok(false) };
        self.run(&mut session, input, cache, output).map(|()| true)
    }
}

fn one_line(error: &impl ToString) -> String {
    error.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}
