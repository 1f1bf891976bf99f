//! Sections H to J: limits, manifest, changelog.

use chaos_report::{inert::xml, quantity};

use super::{close, known, list, missing, open};
use crate::{
    proposal::Call,
    study::{
        data::{Readiness, Study},
        readiness, sections, words,
    },
};

pub(super) fn limits(out: &mut String, study: &Study) {
    open(out, 'H');
    if study.limits.is_empty() {
        missing(out, "Limits", &words::not_measured("none was written down"));
    }
    list(out, &study.limits);
    if !study.reproduce.not_covered.is_empty() {
        put!(
            out,
            "<p>The command below does not cover: {}</p>\n",
            xml(&words::sentence(&study.reproduce.not_covered))
        );
    }
    rollout(out, study);
    close(out);
}

fn rollout(out: &mut String, study: &Study) {
    let rollout = &study.rollout;
    out.push_str("<h3>Rollout and rollback</h3>\n");
    if rollout.effective.is_empty() && rollout.steps.is_empty() {
        missing(out, "Rollout", &words::not_measured("no plan was given"));
    } else {
        put!(
            out,
            "<p>Takes effect: {} Signed by: {}</p>\n",
            xml(&words::sentence(&rollout.effective)),
            xml(&words::sentence(&rollout.signer))
        );
        list(out, &rollout.steps);
    }
    if !rollout.stop_conditions.is_empty() {
        out.push_str("<p>Stop and revert if:</p>\n");
        list(out, &rollout.stop_conditions);
    }
    calls(out, "Payload", &rollout.payload);
    calls(out, "Reverting call", &rollout.rollback);
    if let Some(ready) = known(out, "Readiness", &study.readiness) {
        readiness_tables(out, ready);
    }
}

fn readiness_tables(out: &mut String, ready: &Readiness) {
    put!(
        out,
        "<h3>Readiness</h3>\n<p><b>{}</b>. Step {} of {}: {}</p>\n",
        xml(&ready.status),
        ready.step.0,
        ready.step.1,
        xml(&words::sentence(&ready.plan))
    );
    readiness::arithmetic(ready).html(out);
    readiness::floors(ready).html(out);
}

fn calls(out: &mut String, title: &str, calls: &[Call]) {
    for call in calls {
        put!(
            out,
            "<h3>{title}</h3>\n<p><code>{}</code> on <code>{}</code></p>\n<dl class=\"ids\">",
            xml(&call.function),
            xml(&call.target)
        );
        for (name, value) in &call.arguments {
            put!(out, "<dt>{}</dt><dd><code>{}</code></dd>", xml(name), xml(value));
        }
        put!(out, "<dt>calldata</dt><dd><code>{}</code></dd></dl>\n", xml(&call.calldata));
    }
}

pub(super) fn manifest(out: &mut String, study: &Study) {
    open(out, 'I');
    let reproduce = &study.reproduce;
    put!(
        out,
        "<h3>Reproduce</h3>\n<pre>{}</pre>\n<p>It ends with the digest <code>{}</code>.{}</p>\n",
        xml(&reproduce.command),
        reproduce.expected,
        xml(&needs(study))
    );
    out.push_str("<h3>Files</h3>\n");
    if study.manifest.is_empty() {
        missing(out, "Digests", &words::not_measured("the run listed no files"));
    } else {
        out.push_str("<dl class=\"ids\">");
        for (name, digest) in &study.manifest {
            put!(out, "<dt>{}</dt><dd><code>{digest}</code></dd>", xml(name));
        }
        out.push_str("</dl>\n");
    }
    if !study.run.is_empty() {
        out.push_str("<h3>Run</h3>\n<dl class=\"ids\">");
        for (name, value) in &study.run {
            put!(out, "<dt>{}</dt><dd>{}</dd>", xml(name), xml(value));
        }
        out.push_str("</dl>\n");
    }
    out.push_str("<h3>Disclosure</h3>\n");
    list(out, &study.disclosure.makers);
    let text = match study.disclosure.text.as_str() {
        "" => "Who paid was not disclosed.",
        text => text,
    };
    put!(out, "<p>{}</p>\n", xml(text));
    close(out);
}

/// Time and memory of the reproduction, as far as they were measured.
fn needs(study: &Study) -> String {
    let reproduce = &study.reproduce;
    let mut needs = String::new();
    if let Some(seconds) = reproduce.seconds {
        needs.push_str(&format!(" It took {}.", words::duration(seconds)));
    }
    if let Some(memory) = reproduce.memory_mib {
        needs.push_str(&format!(" It used {} MiB.", quantity::grouped(memory.into())));
    }
    needs
}

pub(super) fn changelog(out: &mut String, study: &Study) {
    open(out, 'J');
    if study.changelog.is_empty() {
        out.push_str("<p>This is the first version; no figure was superseded.</p>\n");
    }
    for entry in &study.changelog {
        put!(
            out,
            "<h3>{}</h3>\n<p>{}</p>\n",
            xml(&entry.version),
            xml(&words::sentence(&entry.text))
        );
        if !entry.superseded.is_empty() {
            sections::superseded(&entry.superseded).html(out);
        }
    }
    close(out);
}
