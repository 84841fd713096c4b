//! The page where scripts do not run, as in a viewer of a repository: everything is there but what a script
//! would do.

use crate::browser::Browser;
use crate::pages::{self, Problems};

#[test]
fn everything_is_there_and_nothing_is_dead() {
    let browser = Browser::start();
    let mut problems = Problems::default();
    for file in pages::all() {
        let page = browser.open_without_scripts(&file);
        page.run("document.querySelectorAll('details').forEach(part => { part.open = true; })");
        let faults: Vec<String> = page.ask(
            r"(() => {
                const faults = [];
                const short = element => `<${element.localName} id='${element.id}'> ${element.textContent.trim().slice(0, 60)}`;
                for (const part of document.querySelectorAll('main > section, main h2, main h3, main table, main figure, main svg, main article, main p')) {
                    if (!part.checkVisibility() && !part.closest('[hidden]')) faults.push(`not shown: ${short(part)}`);
                }
                for (const control of document.querySelectorAll('button, input, select, textarea, [role=button], [role=tab], label, [aria-pressed]')) {
                    if (control.checkVisibility()) faults.push(`dead: ${short(control)}`);
                }
                for (const cell of document.querySelectorAll('table.matrix tbody td')) {
                    if (cell.innerText.trim() === '') { faults.push('an empty cell of the matrix'); break; }
                }
                return faults.slice(0, 10);
            })()",
        );
        problems.add_all(pages::name(&file), faults);
        // Else nothing was tried.
        let ran: bool = page.ask("document.querySelector('button.sort') !== null");
        problems.check(!ran, pages::name(&file), "the script ran all the same");
        problems.add_all(pages::name(&file), page.seen().complaints);
    }
    problems.none();
}
