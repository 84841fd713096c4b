//! What the page's script promises: tables to sort and filter, and the rows behind the numbers of the
//! confusion matrix.
//!
//! The script is the one place that puts these in: elements that do nothing without it are not in the page as
//! it is stored.

use crate::accessibility::{self, Rules};
use crate::browser::{Browser, Page, Theme};
use crate::markup;
use crate::pages::{self, MIDDLE, NARROW, Problems};

/// Cells of one page whose rows are shown: pages of many labels have thousands.
const MOST_TRIED: usize = 12;

/// What several checks need on the page. Numbers are read as they are written: `1,234`, `98.1 %`, `< 0.1 %`,
/// `–` for none.
const TOOLS: &str = r"
    const plain = text => text.replace(/[\u00a0\u202f\u2009]/g, ' ').trim();
    const joined = text => plain(text).replace(/(\d)[ ,](?=\d{3}(?!\d))/g, '$1');
    const read = text => {
        const found = joined(text).replace('−', '-').match(/^[<>]?\s*(-?\d+(?:\.(\d+))?(?:e-?\d+)?)/);
        return found ? {value: Number(found[1]), digits: (found[2] ?? '').length, less: /^</.test(plain(text)), more: /^>/.test(plain(text))} : null;
    };
    // What a cell says first, without the small print below.
    const first = cell => {
        const copy = cell.cloneNode(true);
        copy.querySelectorAll('small').forEach(small => small.remove());
        return plain(copy.textContent);
    };
    const count = cell => read(first(cell))?.value ?? 0;
    const region = () => document.querySelector('#cell-rows');
";

#[track_caller]
fn ask<T: serde::de::DeserializeOwned>(page: &Page, body: &str) -> T {
    page.ask(&format!("(() => {{ {TOOLS} {body} }})()"))
}

#[track_caller]
fn soon(page: &Page, body: &str) -> bool {
    page.soon(&format!("(() => {{ {TOOLS} return {body}; }})()"))
}

/// Calls a check for every page that has such an element; at least one has to have it.
#[track_caller]
fn for_pages_with(selector: &str, check: impl Fn(&Browser, &Page, &str, &mut Problems)) {
    let browser = Browser::start();
    let mut problems = Problems::default();
    let mut pages_with = 0;
    for file in pages::all() {
        let page = browser.open(&file);
        if page.ask::<bool>(&format!("document.querySelector('{selector}') !== null")) {
            pages_with += 1;
            check(&browser, &page, pages::name(&file), &mut problems);
        }
    }
    problems.check(pages_with > 0, "all pages", format!("none has `{selector}`"));
    problems.none();
}

#[test]
fn tables_are_sorted_by_any_column() {
    for_pages_with("table.sortable", |_, page, place, problems| {
        let faults: Vec<String> = ask(page, SORTED);
        problems.add_all(place, faults);
    });
}

/// Clicks on every header of every table twice, and says where the rows then do not stand as `aria-sort`
/// says.
const SORTED: &str = r"
    const faults = [];
    for (const table of document.querySelectorAll('table.sortable')) {
        const rows = () => [...table.tBodies[0].rows];
        const headers = [...table.tHead.rows[table.tHead.rows.length - 1].cells];
        headers.forEach((header, column) => {
            const name = `${table.caption?.textContent.trim()}: ${plain(header.textContent)}`, before = new Set(rows());
            // A column of bars says nothing of its own.
            if (plain(header.textContent) === '') return;
            if (!header.querySelector('button.sort')) { faults.push(`${name}: no button.sort in the header`); return; }
            const directions = [0, 1].map(() => {
                header.querySelector('button.sort').click();
                const direction = header.getAttribute('aria-sort'), sign = direction === 'descending' ? -1 : 1;
                const many = table.querySelectorAll('[aria-sort]:not([aria-sort=none])').length;
                if (many !== 1) faults.push(`${name}: ${many} headers say that they sort`);
                const texts = rows().map(row => first(row.cells[column])), values = texts.map(read);
                // Rows are numbered or named; what has no number stands last.
                const by_number = header.matches('.number') || values.every((value, place) => value || /^[–-]?$/.test(texts[place]));
                for (let place = 1; place < texts.length; place += 1) {
                    const [one, other] = [values[place - 1], values[place]];
                    const holds = by_number
                        ? !other || (one && sign * one.value <= sign * other.value)
                        : sign * texts[place - 1].localeCompare(texts[place], undefined, {numeric: true}) <= 0;
                    if (!holds) { faults.push(`${name}: ${direction}, but ${texts[place - 1]} stands before ${texts[place]}`); break; }
                }
                return direction;
            });
            if (directions.sort().join() !== 'ascending,descending') faults.push(`${name}: two clicks sort ${directions}`);
            if (rows().length !== before.size || !rows().every(row => before.has(row))) faults.push(`${name}: sorting changed the rows`);
        });
    }
    return faults.slice(0, 10);
";

#[test]
fn tables_are_sorted_by_keyboard() {
    for_pages_with("table.sortable", |_, page, place, problems| {
        page.run("document.querySelector('table.sortable button.sort')?.focus()");
        for key in ["Enter", " "] {
            let before: Option<String> =
                page.ask("document.querySelector('table.sortable th')?.getAttribute('aria-sort')");
            page.press(key);
            let before = serde_json::to_string(&before).expect("text is JSON");
            let sorted = page.soon(&format!(
                "document.activeElement.matches('button.sort') && document.querySelector('table.sortable th').hasAttribute('aria-sort')
                 && document.querySelector('table.sortable th').getAttribute('aria-sort') !== {before}"
            ));
            problems.check(
                sorted,
                place,
                format!("`{key}` on a header does not sort, or takes the focus away"),
            );
        }
    });
}

#[test]
fn the_matrix_is_one_stop_and_arrows_go_through_it() {
    for_pages_with("table.matrix", |_, page, place, problems| {
        let stops: usize = page.ask(
            "document.querySelectorAll('table.matrix :is(button, a, [tabindex]):not([tabindex=\"-1\"])').length",
        );
        problems.check(
            stops == 1,
            place,
            format!("{stops} stops of the Tab key instead of one"),
        );
        let started: bool = page.ask(
            "(() => { const button = document.querySelector('table.matrix button[tabindex=\"0\"]'); button?.focus(); return button !== null; })()",
        );
        if !started {
            problems.add(place, "no cell can be reached");
            return;
        }
        for key in [
            "ArrowRight",
            "ArrowDown",
            "End",
            "Home",
            "ArrowDown",
            "ArrowLeft",
            "ArrowUp",
            "ArrowUp",
            "End",
            "ArrowLeft",
        ] {
            let expected: String = ask(
                page,
                &format!(
                    "const grid = [...document.querySelector('table.matrix').tBodies[0].rows].map(row => [...row.cells].map(cell => cell.querySelector('button[data-cell]')));
                     const y = grid.findIndex(row => row.includes(document.activeElement)), x = grid[y].indexOf(document.activeElement);
                     const row = grid[y].filter(button => button), here = row.indexOf(grid[y][x]);
                     const column = grid.map(row => row[x]).filter(button => button), there = column.indexOf(grid[y][x]);
                     const next = {{ArrowRight: row[here + 1], ArrowLeft: row[here - 1], ArrowDown: column[there + 1], ArrowUp: column[there - 1], Home: row[0], End: row.at(-1)}}['{key}'];
                     return (next ?? grid[y][x]).dataset.cell;"
                ),
            );
            page.press(key);
            let gone = page.soon(&format!("document.activeElement.dataset.cell === '{expected}'"));
            if !gone {
                let focused: String = page.ask("document.activeElement.outerHTML.slice(0, 120)");
                problems.add(
                    place,
                    format!("{key} leads to {focused} instead of the cell {expected}"),
                );
                return;
            }
            let stop: bool = page.ask(
                "document.activeElement.tabIndex === 0 && document.querySelectorAll('table.matrix button[tabindex=\"0\"]').length === 1",
            );
            problems.check(
                stop,
                place,
                format!("after {key}, the focused cell is not the one stop"),
            );
        }
        page.press("Tab");
        let left = page.soon("document.activeElement.closest('table.matrix') === null");
        problems.check(left, place, "Tab does not lead out of the matrix");
    });
}

#[test]
fn a_cell_shows_its_rows() {
    for_pages_with("table.matrix", |browser, page, place, problems| {
        let cells: Vec<String> = page
            .ask("[...document.querySelectorAll('button[data-cell]')].map(button => button.dataset.cell)");
        problems.check(!cells.is_empty(), place, "no cell has a button");
        problems.check(ask(page, "return region() !== null && region().getAttribute('role') === 'region' && region().ariaLive === 'polite';"), place,
            "`#cell-rows` is no polite region");
        // Alike over the page, as pages of many labels have the pairs after the matrix.
        let step = cells.len().div_ceil(MOST_TRIED).max(1);
        for place_of_button in (0..cells.len()).step_by(step) {
            let cell = &cells[place_of_button];
            page.run(&format!(
                "document.querySelectorAll('button[data-cell]')[{place_of_button}].click()"
            ));
            if !soon(page, "region() && region().textContent.trim() !== ''") {
                problems.add(place, format!("the cell {cell} shows nothing"));
                break;
            }
            problems.add_all(
                format!("{place}, cell {cell}"),
                faults_of_shown(page, place_of_button),
            );
        }
        problems.add_all(place, markup::faults(browser, page));
    });
}

/// What is wrong with the rows shown for this button.
#[track_caller]
fn faults_of_shown(page: &Page, button: usize) -> Vec<String> {
    ask(
        page,
        &format!(
            r"
            const faults = [], button = document.querySelectorAll('button[data-cell]')[{button}], shown = region();
            const check = (holds, fault) => {{ if (!holds) faults.push(fault); }};
            const table = button.closest('table'), row = button.closest('tr'), place = button.closest('td, th').cellIndex;
            const matrix = table.matches('.matrix');
            const truth = first(matrix ? row.cells[0] : row.cells[0]);
            const predicted = first(matrix ? table.tHead.rows[table.tHead.rows.length - 1].cells[place] : row.cells[1]);
            check(button.getAttribute('aria-pressed') === 'true', 'its button is not pressed');
            check(document.querySelectorAll('button[data-cell][aria-pressed=true]').length === 1, 'another button is pressed as well');
            const heading = plain(shown.querySelector('h2, h3, h4, h5')?.textContent ?? '');
            const short = name => name.slice(0, 20);
            check(heading.includes(short(truth)) && heading.includes(short(predicted)), `the heading does not name ${{truth}} and ${{predicted}}: ${{heading}}`);
            const counted = count(button);
            const in_heading = [...joined(heading).matchAll(/\d+/g)].map(found => Number(found[0]));
            check(in_heading.includes(counted), `the heading does not say ${{counted}}: ${{heading}}`);
            const items = [...shown.querySelectorAll('li')];
            for (const item of items) {{
                const text = plain(item.textContent);
                if (!item.querySelector('code')?.textContent) {{ faults.push(`a row without an id: ${{text.slice(0, 80)}}`); break; }}
                if (!item.querySelector('blockquote, p, q')?.textContent || !/\d/.test(text)) {{ faults.push(`a row without text or probabilities: ${{text.slice(0, 80)}}`); break; }}
            }}
            const rest = [...shown.querySelectorAll('p, span, div')].filter(part => !part.closest('li')).map(part => joined(part.textContent))
                .map(text => text.match(/(\d+)[^\d]*not shown/)).find(found => found);
            const left_out = rest ? Number(rest[1]) : 0;
            check(items.length + left_out === counted, `${{items.length}} rows shown and ${{left_out}} not, of ${{counted}}`);
            return faults;"
        ),
    )
}

#[test]
fn rows_are_shown_and_closed_by_keyboard() {
    for_pages_with("table.matrix", |_, page, place, problems| {
        let empty = "region().textContent.trim() === '' && document.querySelectorAll('[data-cell][aria-pressed=true]').length === 0";
        for key in ["Enter", " "] {
            page.run("document.querySelector('table.matrix button[tabindex=\"0\"]')?.focus()");
            page.press(key);
            if !soon(
                page,
                "region()?.querySelector('h2, h3, h4, h5') !== null && region() !== null",
            ) {
                problems.add(place, format!("`{key}` on a cell shows nothing"));
                return;
            }
            page.press("Escape");
            problems.check(soon(page, empty), place, "Escape does not empty the region");
            let back = page.soon("document.activeElement.matches('table.matrix button[data-cell]')");
            problems.check(back, place, "after Escape, the focus is not on the cell");
        }
        // From inside the region as well, and by its button.
        for leave in ["Escape", "Enter"] {
            page.run("document.querySelector('table.matrix button[tabindex=\"0\"]').click()");
            let closing = soon(
                page,
                "(() => { const button = region().querySelector('button'); button?.focus(); return button !== null && document.activeElement === button; })()",
            );
            if !closing {
                problems.add(place, "the shown rows cannot be closed");
                return;
            }
            let (_, name) = page.focused();
            problems.check(
                name.contains("lose"),
                place,
                format!("the button that closes is called `{name}`"),
            );
            page.press(leave);
            problems.check(
                soon(page, empty),
                place,
                format!("{leave} on the button that closes does not empty the region"),
            );
            let back = page.soon("document.activeElement.matches('table.matrix button[data-cell]')");
            problems.check(
                back,
                place,
                format!("after {leave} on the button that closes, the focus is not on the cell"),
            );
        }
    });
}

/// Where the matrix and the shown rows are: the one part of the page that a click changes.
const MATRIX: &str = "#confusion";

#[test]
fn no_barrier_in_the_shown_rows() {
    let axe = pages::axe();
    for_pages_with("table.matrix", |_, page, place, problems| {
        page.run("document.querySelector('button[data-cell]')?.click()");
        page.run(accessibility::THIN);
        page.view(NARROW, Theme::Light);
        let out: bool = page.ask("document.documentElement.scrollWidth > innerWidth");
        problems.check(!out, place, "with rows shown, the page sticks out");
        problems.add_all(place, accessibility::barriers(page, &axe, MATRIX, Rules::All));
        // The other shares have other colours.
        for (side, theme) in [
            ("true", Theme::Dark),
            ("predicted", Theme::Dark),
            ("predicted", Theme::Light),
        ] {
            page.run(&format!(
                "document.querySelector('input[name=matrix-share][value={side}]')?.click()"
            ));
            page.view(MIDDLE, theme);
            problems.add_all(
                format!("{place}, shares of the {side}, {}", theme.name()),
                accessibility::barriers(page, &axe, MATRIX, Rules::Colours),
            );
        }
    });
}

#[test]
fn the_matrix_shows_shares_of_either_side() {
    for_pages_with("table.matrix", |_, page, place, problems| {
        for (side, other) in [("predicted", "true"), ("true", "predicted")] {
            page.run(&format!(
                "document.querySelector('input[name=matrix-share][value={side}]')?.click()"
            ));
            if !page.soon(&format!(
                "document.querySelector('table.matrix').matches('.share-{side}:not(.share-{other})')"
            )) {
                problems.add(place, format!("no shares of the {side} label's rows"));
                continue;
            }
            let faults: Vec<String> = ask(page, &SHARES.replace("SIDE", side));
            problems.add_all(format!("{place}, shares of the {side}"), faults);
        }
    });
}

/// Every visible share against the counts: of the row's sum, or of the column's.
const SHARES: &str = r"
    const faults = [], table = document.querySelector('table.matrix'), rows = [...table.tBodies[0].rows];
    const names = [...table.tHead.rows[table.tHead.rows.length - 1].cells].map(cell => plain(cell.textContent));
    const sums_at = names.length - 1, classes = rows.length, whole = names.length === classes + 2;
    const matrix = rows.map(row => [...row.cells].slice(1, 1 + classes).map(count));
    const of_row = rows.map(row => count(row.cells[sums_at]));
    const of_column = table.tFoot ? [...table.tFoot.rows[0].cells].slice(1, 1 + classes).map(count) : null;
    const total = values => values.reduce((one, other) => one + other, 0);
    if (whole) {
        matrix.forEach((row, y) => { if (total(row) !== of_row[y]) faults.push(`row ${names[y + 1]}: the cells are ${total(row)}, the sum says ${of_row[y]}`); });
        of_column?.forEach((sum, x) => { if (total(matrix.map(row => row[x])) !== sum) faults.push(`column ${names[x + 1]}: the sum says ${sum}`); });
    } else if (!of_column) {
        return ['a part of a matrix needs the sums of its columns'];
    }
    let shares = 0;
    rows.forEach((row, y) => [...row.cells].slice(1, 1 + classes).forEach((cell, x) => {
        if (matrix[y][x] === 0) return;
        const place = `${names[y + 1]} called ${names[x + 1]}`;
        const shown = [...cell.querySelectorAll('small')].filter(small => small.checkVisibility({visibilityProperty: true}));
        if (shown.length !== 1) { faults.push(`${place}: ${shown.length} shares`); return; }
        const share = read(shown[0].textContent);
        if (!share) { faults.push(`${place}: ${shown[0].textContent}`); return; }
        shares += 1;
        const sum = 'SIDE' === 'true' ? of_row[y] : of_column?.[x] ?? total(matrix.map(row => row[x]));
        const exact = 100 * matrix[y][x] / sum, half = 0.5 * 10 ** -share.digits + 1e-9;
        const holds = share.less ? exact <= share.value : share.more ? exact >= share.value : Math.abs(exact - share.value) <= half;
        if (!holds) faults.push(`${place}: ${plain(shown[0].textContent)}, but ${matrix[y][x]} of ${sum} are ${exact} %`);
    }));
    if (shares === 0) faults.push('no shares at all');
    return faults.slice(0, 10);
";

#[test]
fn confused_pairs_can_be_searched() {
    for_pages_with("table#pair-table", |_, page, place, problems| {
        let Some(wanted): Option<String> = ask(
            page,
            "const row = [...document.querySelectorAll('#pair-table tbody tr')].at(-1); return row ? first(row.cells[1]).slice(0, 4) : null;",
        ) else {
            problems.add(place, "no pairs");
            return;
        };
        let there: bool = page.ask(
            "(() => { const input = document.querySelector('input#pair-search'); input?.focus(); return input !== null && input.checkVisibility(); })()",
        );
        if !there {
            problems.add(place, "there is no `input#pair-search`");
            return;
        }
        let (_, name) = page.focused();
        problems.check(!name.is_empty(), place, "the search has no name");
        // In other letters too, and for what is in no name.
        for wanted in [wanted.to_uppercase(), "no label is called so".to_owned()] {
            page.run("document.querySelector('#pair-search').select()");
            page.type_text(&wanted);
            let wanted = serde_json::to_string(&wanted.to_lowercase()).expect("text is JSON");
            let matches = format!(
                "(() => {{
                    const rows = [...document.querySelectorAll('#pair-table tbody tr')];
                    const matches = row => [row.cells[0], row.cells[1]].some(cell => first(cell).toLowerCase().includes({wanted}));
                    const many = rows.filter(matches).length;
                    const live = [...document.querySelectorAll('[role=status], [aria-live]')].filter(part => !part.matches('#cell-rows')).map(part => plain(part.textContent)).join(' ');
                    const said = (joined(live).match(/\\d+/g) ?? ['0', String(rows.length)]).map(Number);
                    return rows.every(row => row.checkVisibility() === matches(row)) && said.includes(many) && said.includes(rows.length);
                }})()"
            );
            problems.check(
                soon(page, &matches),
                place,
                format!("the rows shown, or the numbers said, are not those of {wanted}"),
            );
        }
        page.run("document.querySelector('#pair-search').select()");
        page.press("Delete");
        let all = soon(
            page,
            "[...document.querySelectorAll('#pair-table tbody tr')].every(row => row.checkVisibility())",
        );
        problems.check(all, place, "an empty search does not show all rows");
    });
}
