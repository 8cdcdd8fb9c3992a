//! The manual: what to do as a user of Flux, how to build a controller, what is protected and what is not.

pub mod controllers;
pub mod flux;
pub mod threats;
