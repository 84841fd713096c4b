//! A page with every fault, which the tests have to see: they look for what is not there, and would pass
//! where they see nothing.

use std::path::PathBuf;

use crate::accessibility::{self, Rules};
use crate::browser::{Browser, Theme};
use crate::layout;
use crate::markup;
use crate::pages::{self, NARROW};

/// A page of this name with this in its body, and a policy.
fn faulty(name: &str, body: &str) -> PathBuf {
    let policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:";
    pages::made(
        name,
        &format!("<meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">{body}"),
    )
}

#[test]
fn complaints_are_seen() {
    let file = faulty(
        "complaints",
        "<script>console.warn('a warning'); console.error('an error', 7); console.log('a word'); alert('a dialog');</script>
         <script>throw new Error('an exception')</script>
         <img src='http://a.invalid/picture' alt=''><script src='data:text/javascript,1'></script>",
    );
    let seen = Browser::start().open(&file).seen();
    for said in [
        "console warning: a warning",
        "console error: an error 7",
        "an exception",
        "Content Security Policy",
    ] {
        assert!(
            seen.complaints.iter().any(|complaint| complaint.contains(said)),
            "`{said}` is not in {seen:#?}"
        );
    }
    assert!(
        !seen
            .complaints
            .iter()
            .any(|complaint| complaint.contains("a word")),
        "{seen:#?}"
    );
    assert_eq!(seen.dialogs, ["a dialog"]);
}

#[test]
fn requests_are_seen() {
    // Without a policy: nothing else holds them back.
    let file = pages::made(
        "requests",
        "<img src='http://a.invalid/picture'><link rel=stylesheet href='https://b.invalid/style'>
         <script>fetch('https://c.invalid/data').catch(() => {}); new WebSocket('ws://d.invalid/socket')</script>",
    );
    let seen = Browser::start().open(&file).seen();
    for host in ["a", "b", "c", "d"] {
        let address = format!("//{host}.invalid/");
        assert!(
            seen.requests.iter().any(|request| request.contains(&address)),
            "{address} is not in {seen:#?}"
        );
    }
}

#[test]
fn barriers_are_seen() {
    let axe = pages::axe();
    let file = faulty(
        "barriers",
        "<main><h1>One</h1><p style='color: #999; background: #fff'>pale</p><button></button></main>",
    );
    let browser = Browser::start();
    let page = browser.open(&file);
    let found = |part, rules| accessibility::barriers(&page, &axe, part, rules).join("\n");
    let [colour, name] = ["color-contrast", "button-name"];
    for (rules, expected) in [
        (Rules::All, [true, true]),
        (Rules::Colours, [true, false]),
        (Rules::AllButColours, [false, true]),
    ] {
        let barriers = found("html", rules);
        assert_eq!(
            [barriers.contains(colour), barriers.contains(name)],
            expected,
            "{barriers}"
        );
    }
    // In the part that is asked for, and in no other.
    assert!(found("p", Rules::All).contains(colour));
    assert!(!found("h1", Rules::All).contains(colour));
    // Seen by what is on the page, not by its source.
    let file = faulty(
        "dark",
        "<style>@media (prefers-color-scheme: dark) { p { color: #333; background: #000 } }</style><main><h1>One</h1><p>dark</p></main>",
    );
    let page = browser.open(&file);
    let found = || accessibility::barriers(&page, &axe, "html", Rules::All);
    assert_eq!(found(), Vec::<String>::new());
    page.view(NARROW, Theme::Dark);
    let barriers = found().join("\n");
    assert!(barriers.contains(colour), "{barriers}");
}

#[test]
fn what_sticks_out_or_is_cut_is_seen() {
    let file = faulty(
        "layout",
        "<h2 style='width: 5rem; overflow: hidden; white-space: nowrap'>A heading that is too long for it</h2>
         <svg viewBox='0 0 100 20'><text x='80' y='15'>cut off</text>
            <text x='10' y='15'>one</text><text x='12' y='17'>another</text></svg>
         <p style='width: 500px'>wide</p>",
    );
    let browser = Browser::start();
    let page = browser.open(&file);
    page.view(NARROW, Theme::Light);
    let faults = layout::faults(&page).join("\n");
    for fault in ["sticks out", "A heading that", "cut off", "one and another"] {
        assert!(faults.contains(fault), "`{fault}` is not in:\n{faults}");
    }
}

#[test]
fn markup_that_got_through_is_seen() {
    let file = faulty(
        "markup",
        "<b>bold</b><img src=x onerror='alert(2)'><script>var stranger = 1; alert(1)</script><a href='javascript:1'>go</a><svg><script>1</script></svg>",
    );
    let browser = Browser::start();
    let page = browser.open(&file);
    let faults = markup::faults(&browser, &page).join("\n");
    for fault in [
        "<b>",
        "<img",
        "onerror",
        "stranger",
        "javascript:",
        "alert(1)",
        "2 scripts",
    ] {
        assert!(faults.contains(fault), "`{fault}` is not in:\n{faults}");
    }
}
