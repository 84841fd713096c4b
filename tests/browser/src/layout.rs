//! Nothing sticks out of the page or is cut, at every width; and it can be printed.

use crate::browser::{Browser, Page, Theme};
use crate::pages::{self, Problems, WIDTHS};

#[test]
fn nothing_sticks_out_and_nothing_is_cut() {
    let browser = Browser::start();
    let mut problems = Problems::default();
    for file in pages::all() {
        let page = browser.open(&file);
        page.run("document.querySelectorAll('details').forEach(part => { part.open = true; })");
        for width in WIDTHS {
            page.view(width, Theme::Light);
            problems.add_all(format!("{}, {width} px", pages::name(&file)), faults(&page));
        }
    }
    problems.none();
}

#[test]
fn the_page_can_be_printed() {
    let browser = Browser::start();
    let mut problems = Problems::default();
    for file in pages::all() {
        let page = browser.open(&file);
        let pdf = page.pdf();
        problems.check(pdf.starts_with(b"%PDF-"), pages::name(&file), "not a PDF");
        // Every sheet is an object of this type; the folder of the sheets is another, `/Pages`.
        let sheets = pdf.windows(11).filter(|bytes| *bytes == b"/Type /Page").count();
        problems.check(sheets > 1, pages::name(&file), format!("{sheets} sheets"));
        page.print();
        let hidden: Vec<String> = page.ask(
            "[...document.querySelectorAll('main > section > h2')].filter(heading => !heading.checkVisibility()).map(heading => heading.textContent)",
        );
        problems.add_all(
            pages::name(&file),
            hidden.iter().map(|heading| format!("not printed: {heading}")),
        );
    }
    problems.none();
}

/// What is wrong with the page as wide as it is shown now. What scrolls in a region of its own is where it
/// should be.
#[track_caller]
pub(crate) fn faults(page: &Page) -> Vec<String> {
    page.ask(
        r#"(() => {
            const faults = [];
            const short = element => `<${element.localName}${element.className ? ` class="${element.className.baseVal ?? element.className}"` : ''}> ${element.textContent.trim().slice(0, 60)}`;
            const root = document.documentElement;
            if (root.scrollWidth > innerWidth) {
                faults.push(`the page sticks out: ${root.scrollWidth} of ${innerWidth} pixels`);
                const scrolls = element => element.closest('pre') || [...ancestors(element)].some(one => /auto|scroll|hidden|clip/.test(getComputedStyle(one).overflowX));
                for (const element of document.body.querySelectorAll('*')) {
                    if (element.getBoundingClientRect().right > innerWidth + 1 && !scrolls(element)) faults.push(`sticks out: ${short(element)}`);
                }
            }
            function* ancestors(element) {
                for (let one = element.parentElement; one && one !== document.body; one = one.parentElement) yield one;
            }
            const texts = element => { const range = document.createRange(); range.selectNodeContents(element); return [...range.getClientRects()]; };
            for (const heading of document.querySelectorAll('h1, h2, h3, h4, h5, h6, summary, figcaption, legend, .headline')) {
                if (!heading.checkVisibility() || heading.matches('.quiet')) continue;
                const clips = getComputedStyle(heading).overflow !== 'visible';
                const cut = clips && (heading.scrollWidth > heading.clientWidth + 1 || heading.scrollHeight > heading.clientHeight + 1);
                const out = texts(heading).some(box => box.left < -1 || box.right > innerWidth + 1);
                if (cut || out) faults.push(`a heading is cut: ${short(heading)}`);
            }
            // One pixel is what rounding costs. The words of a cloud are packed by what is inked, which is
            // less than their boxes.
            for (const text of document.querySelectorAll('svg:not(.cloud) text')) {
                if (!text.checkVisibility()) continue;
                const box = text.getBoundingClientRect(), frame = text.ownerSVGElement.getBoundingClientRect();
                const out = Math.max(frame.left - box.left, box.right - frame.right, frame.top - box.top, box.bottom - frame.bottom);
                if (out > 1) {
                    faults.push(`a text of a chart is cut by ${out.toFixed(1)} pixels: ${text.textContent.trim()} in ${short(text.ownerSVGElement)}`);
                }
            }
            // Where texts stand in each other's way, neither can be read; a box is higher than its letters. A
            // map has its labels where the texts are.
            for (const chart of document.querySelectorAll('svg:not(.cloud, .scatter)')) {
                if (!chart.checkVisibility()) continue;
                const boxes = [...chart.querySelectorAll('text')].map(text => [text, text.getBoundingClientRect()]);
                boxes.forEach(([text, box], place) => boxes.slice(place + 1).forEach(([other, next]) => {
                    const wide = Math.min(box.right, next.right) - Math.max(box.left, next.left);
                    const high = Math.min(box.bottom, next.bottom) - Math.max(box.top, next.top);
                    if (wide > 1 && high > box.height / 3) faults.push(`texts of a chart overlap: ${text.textContent.trim()} and ${other.textContent.trim()}`);
                }));
            }
            return faults.length > 20 ? [...faults.slice(0, 20), `and ${faults.length - 20} more`] : faults;
        })()"#,
    )
}
