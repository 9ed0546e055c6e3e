//! The school: corpora become lead sheets, lead sheets become batches, batches become a policy, and the policy
//! becomes the ONNX file that the instrument plays from. It never sees the plugin; both speak `music`.

pub mod corpus;
pub mod dataset;
pub mod evaluate;
pub mod export;
pub mod finetune;
pub mod listen;
pub mod model;
pub mod native;
pub mod ops;
pub mod optimizer;
pub mod pretrain;
pub mod reward;
pub mod run;
pub mod school;
pub mod speed;
