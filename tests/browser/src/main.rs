//! The report's page in Chromium: what people see, hear and do, where the report crate's own tests see only
//! text.
//!
//! `make test-browser` makes the pages and names them here by these variables:
//!
//! - `LABELPROOF_BROWSER_PAGES`: the folder of the pages; every `*.html` in it is tested.
//! - `LABELPROOF_BROWSER_AXE`: the file `axe.min.js` of axe-core.
//! - `LABELPROOF_BROWSER_PICTURES`: where the pictures for people go.
//! - `LABELPROOF_BROWSER_CHROMIUM`: the command of the browser.
//!
//! | module | what |
//! | --- | --- |
//! | `controls` | the other tests would see a fault: a page made to have each of them |
//! | `loading` | no error, no warning, nothing loaded |
//! | `accessibility` | axe-core, light and dark, narrow and wide |
//! | `layout` | nothing sticks out or is cut; the page can be printed |
//! | `markup` | texts of the data stay texts |
//! | `keyboard` | the skip link, the focus, the names |
//! | `script` | what the page's script promises |
//! | `without_script` | the page where scripts do not run |
//! | `pictures` | pictures of every page, for people |
//!
//! `browser`, `protocol` and `pages` are what they stand on. Every test starts a browser of its own, and
//! tries all pages before it fails. A wait is for a condition, never for a time.

mod accessibility;
mod browser;
mod controls;
mod keyboard;
mod layout;
mod loading;
mod markup;
mod pages;
mod pictures;
mod protocol;
mod script;
mod without_script;
