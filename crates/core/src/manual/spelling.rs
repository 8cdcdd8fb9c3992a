//! How values were written, where tokens cannot say it.
