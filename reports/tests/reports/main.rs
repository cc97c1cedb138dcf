//! The reports of a realistic run, as a reader of any format meets them.

mod cases;
mod events;
mod golden;
mod hostile;
mod order;
mod story;
