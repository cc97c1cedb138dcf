//! The reports of a realistic run, as a reader of any format meets them.

mod cases;
mod changes;
mod checks;
mod events;
mod fleet;
mod froms;
mod golden;
mod hostile;
mod hostile_nodes;
mod ignored;
mod news;
mod nights;
mod nodes;
mod order;
mod page;
mod room;
mod story;
