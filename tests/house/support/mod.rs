//! What the scenes stand on: processes of their own, plugins in their hosts, models and melodies.

pub mod alone;
pub mod conductor;
pub mod grid;
pub mod models;
pub mod stage;
pub mod tunes;

/// The test that calls this, as the test binary knows it.
macro_rules! this_test {
    () => {{
        fn here() {}
        $crate::support::alone::test_of(std::any::type_name_of_val(&here))
    }};
}
pub(crate) use this_test;
