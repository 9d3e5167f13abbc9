//! What the cashier sees, in one line: connection, lines, payments, amount due, the question asked, the notice.
//!
//! `COLA 1.00` is a line; `COLA 3×1.00 -0.50 = 2.50` one with quantity and discount; `(COLA 1.00)` a voided one; `1.00*` a price set by hand.

use evertill::desk::{Prompt, Purpose};
use evertill::money::Quantity;
use evertill::retail::sale::{Line, Payment};
use evertill::view::{ConnectionView, Screen, View};

/// The view and the question as one line.
pub(super) fn picture(view: &View, prompt: &Prompt) -> String {
    let mut parts = Vec::new();
    match &view.header.connection {
        ConnectionView::Online => {}
        ConnectionView::Offline { reason, .. } => parts.push(format!("offline: {reason}")),
        ConnectionView::Blocked { reason, lacks, .. } => parts.push(format!("blocked: {reason}, {lacks}")),
    }
    match view.screen {
        Screen::Activation => parts.push("not activated".to_owned()),
        Screen::SignIn => parts.push("sign in".to_owned()),
        Screen::Locked => parts.push("locked".to_owned()),
        Screen::Welcome => parts.push("welcome".to_owned()),
        Screen::Transaction => {}
    }
    if let Some(change) = &view.change_due {
        let [total, given, back] = [change.total, change.tendered, change.change].map(evertill::money::Money::plain);
        parts.push(format!("{}: {total}, given {given}, change {back}", change.receipt));
    }
    if let Some((sale, totals)) = &view.sale {
        parts.extend(sale.lines().iter().map(|sold| line(sold)));
        parts.extend(sale.payments().iter().map(payment));
        parts.push(format!("due {}", totals.balance.plain()));
    }
    if let Some(quantity) = view.pending_quantity {
        parts.push(format!("{quantity}*"));
    }
    parts.extend(question(prompt));
    if let Some(notice) = &view.notice {
        parts.push(format!("! {} · {}", notice.text, notice.hint));
    }
    parts.join(" | ")
}

fn line(line: &Line) -> String {
    let price = format!("{}{}", line.price.plain(), if line.price_overridden { "*" } else { "" });
    let plain = line.quantity == Quantity::ONE && line.discount.is_none();
    let amount = if plain {
        price
    } else {
        let discount = line.discount.map_or_else(String::new, |_| format!(" -{}", line.amounts.discount.plain()));
        format!("{}×{price}{discount} = {}", line.quantity, line.amounts.net.plain())
    };
    parenthesised(line.voided, format!("{} {amount}", line.name))
}

fn payment(payment: &Payment) -> String {
    parenthesised(payment.voided, format!("{} {}", payment.name, payment.amount.plain()))
}

fn parenthesised(voided: bool, text: String) -> String {
    if voided { format!("({text})") } else { text }
}

fn question(prompt: &Prompt) -> Option<String> {
    let (title, problem) = match prompt {
        Prompt::Command => return None,
        Prompt::Credentials(prompt) => match &prompt.purpose {
            Purpose::SignIn => (String::new(), &prompt.problem),
            Purpose::Unlock { name, .. } => (name.clone(), &prompt.problem),
            Purpose::Release { locked, .. } => (locked.clone(), &prompt.problem),
            Purpose::Activate { register } => (format!("code for {register}"), &prompt.problem),
            Purpose::Authorize { operation } => (format!("manager for {operation}"), &prompt.problem),
        },
        Prompt::Number(prompt) => (prompt.title.clone(), &prompt.problem),
        Prompt::Confirm(prompt) => (prompt.question.clone(), &None),
        Prompt::Search(prompt) => {
            let names: Vec<&str> = prompt.products.iter().take(3).map(|product| product.name.as_str()).collect();
            let more = if prompt.products.len() > 3 { " …" } else { "" };
            (format!("{} {:?}: {}{more}", prompt.title, prompt.text, names.join(", ")), &prompt.problem)
        }
        Prompt::Wait(wait) => (format!("{}: {}", wait.title, wait.text), &None),
        Prompt::Page(page) => {
            let rows: Vec<String> = page.rows.iter().map(|(name, value)| format!("{name} {value}")).collect();
            (if page.title == "Gift card balance" { rows.join(", ") } else { page.title.clone() }, &None)
        }
        Prompt::ConnectionStatus(status) => (status.action.clone(), &status.remark),
    };
    let problem = problem.as_ref().map_or_else(String::new, |problem| format!(" ✗ {problem}"));
    match (title.is_empty(), problem.is_empty()) {
        (true, true) => None,
        (true, false) => Some(problem.trim_start().to_owned()),
        (false, _) => Some(format!("? {title}{problem}")),
    }
}
