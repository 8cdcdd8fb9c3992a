//! The command from outside: the story of the README, the configuration, kills at every system call, random documents
//! exchanged with the reference. Lower levels are tested where they live.

mod automation;
mod changes;
mod config;
mod differential;
mod differential_edits;
mod edit;
mod exec;
mod full_disk;
mod generator;
mod groups;
mod kustomize;
mod real;
mod story;
mod suite;
mod torn;
mod usability;
mod world;
