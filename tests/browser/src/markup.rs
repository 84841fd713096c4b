//! Texts of the data stay texts, also where they look like markup.

use crate::browser::{Browser, Page};
use crate::pages::{self, Problems};

/// The beginning of the texts that the report crate's tests put where a page may take data from.
const ATTACK: &str = "<script>alert(1)</script>";

#[test]
fn texts_of_the_data_stay_texts() {
    let browser = Browser::start();
    let mut problems = Problems::default();
    let mut attacked = 0;
    for file in pages::all() {
        let page = browser.open(&file);
        problems.add_all(pages::name(&file), faults(&browser, &page));
        let shown: bool = page.ask(&format!(
            "document.body.textContent.includes('{}')",
            ATTACK.replace("</", "<\\/")
        ));
        attacked += usize::from(shown);
    }
    problems.check(
        attacked > 0,
        "all pages",
        "none shows a text like `<script>`: the report crate's tests have to keep theirs",
    );
    problems.none();
}

/// Elements, handlers, globals and dialogs that are not the report's own.
#[track_caller]
pub(crate) fn faults(browser: &Browser, page: &Page) -> Vec<String> {
    // Of an empty page beside it, as what there is depends on where a page comes from.
    let usual: Vec<String> = browser
        .open(&pages::made("empty", ""))
        .ask("Object.getOwnPropertyNames(window)");
    let usual = serde_json::to_string(&usual).expect("names are JSON");
    let mut faults: Vec<String> = page.ask(&format!(
        r"(() => {{
            const faults = [], usual = new Set({usual});
            const short = element => element.outerHTML.slice(0, 120);
            const strange = 'img, iframe, frame, object, embed, link, base, applet, audio, video, source, form, marquee, template, foreignObject, animate, set, use, image';
            for (const element of document.querySelectorAll(strange)) faults.push(`a strange element: ${{short(element)}}`);
            const scripts = [...document.querySelectorAll('script')].filter(script => !script.type || /javascript|module/.test(script.type));
            if (scripts.length > 1) faults.push(`${{scripts.length}} scripts`);
            // The hostile label begins so.
            for (const element of document.querySelectorAll('b')) {{
                if (element.textContent.startsWith('bold')) faults.push(`an element out of a label: ${{short(element)}}`);
            }}
            for (const element of document.querySelectorAll('*')) {{
                for (const {{name, value}} of element.attributes) {{
                    if (name.startsWith('on') || /^\s*javascript:/i.test(value)) faults.push(`an attribute: ${{name}}=${{value}}`);
                }}
            }}
            for (const name of Object.getOwnPropertyNames(window)) {{
                if (!usual.has(name) && name !== 'axe') faults.push(`a global: ${{name}}`);
            }}
            return faults;
        }})()"
    ));
    let dialogs = page.seen().dialogs;
    faults.extend(dialogs.iter().map(|said| format!("a dialog: alert({said})")));
    faults
}
