//! The device: 707 Activate device, 708 Inactivate device.

use super::super::activation::{ActivationError, prompt};
use super::super::stop::Stop;
use super::super::{Standing, Till};
use crate::connection::Source;
use crate::desk::{Answer, ConfirmPrompt, Desk};
use crate::secret::Secret;
use crate::view::{Level, Notice};

/// 707: a device that headquarters deactivated, or that was released, becomes its register again.
pub(super) fn activate(till: &mut Till, desk: &mut dyn Desk, _: Option<&str>) -> Result<(), Stop> {
    if till.activation.standing() == Standing::Activated {
        let text = format!("this device is register {} already", till.register);
        return Err(Stop::refused(text, "708 releases it first"));
    }
    let mut problem = None;
    loop {
        let hint = format!("It was register {}; its journal goes on where it is.", till.register);
        let code = match till.ask(desk, prompt(&till.register, problem.take(), hint))? {
            Answer::Credentials { pin, .. } => Secret::new(pin.reveal().trim()),
            Answer::Operation { number, parameter } if till.session.is_none() => {
                till.operate(desk, number, parameter.as_deref())?;
                continue;
            }
            Answer::Operation { .. }
            | Answer::Entry(_)
            | Answer::Select(_)
            | Answer::Number(_)
            | Answer::SearchText(_)
            | Answer::Pick(_)
            | Answer::Yes
            | Answer::Cancel => continue,
        };
        desk.show(&till.view());
        problem = match till.activation.activate(&code) {
            Ok(numbers) => {
                till.numbers = Some(numbers);
                till.take_numbers()?;
                till.uploads.wake();
                break;
            }
            Err(error) => Some(error.notice()),
        };
    }
    till.notice = Some(Notice {
        level: Level::Info,
        text: format!("this device is register {} again", till.register),
        hint: if till.session.is_some() { String::new() } else { "sign in".to_owned() },
    });
    Ok(())
}

/// Asks a device without an activation for its code, until it has one. There is nothing else to go back to.
pub(in crate::till) fn activate_at_start(till: &mut Till, desk: &mut dyn Desk) -> Result<(), Stop> {
    match activate(till, desk, None) {
        Err(Stop::Cancelled) => Ok(()),
        done => done,
    }
}

/// 708: releases the register. What has not been sent would be stranded, and money in the drawer is somebody's to count.
pub(super) fn release(till: &mut Till, desk: &mut dyn Desk, _: Option<&str>) -> Result<(), Stop> {
    nothing_is_stranded(till)?;
    till.confirm(
        desk,
        &ConfirmPrompt {
            title: "Inactivate device".to_owned(),
            question: format!("Release register {} from this device? Nobody can sign in until it is activated again.", till.register),
            yes: "release it".to_owned(),
            no: "leave it".to_owned(),
        },
    )?;
    // The question may have stood for a while.
    nothing_is_stranded(till)?;
    desk.show(&till.view());
    till.activation.release().map_err(|error| match error {
        // It is none already: headquarters was first.
        ActivationError::Channel(error) => till.refusal(error),
        error @ (ActivationError::OtherRegister { .. } | ActivationError::Kept { .. }) => Stop::Refused(error.notice()),
    })?;
    // Without a record of its own: it could not be sent any more. Headquarters has written down when and by which device.
    (till.session, till.change_due, till.last_receipt) = (None, None, None);
    till.sources.set_operator(None);
    till.notice = Some(Notice {
        level: Level::Info,
        text: format!("register {} is released; its journal stays here", till.register),
        hint: "a new code from headquarters activates it again".to_owned(),
    });
    Ok(())
}

fn nothing_is_stranded(till: &Till) -> Result<(), Stop> {
    if till.sources.source() == Source::Offline {
        return Err(Stop::refused("Inactivate device is not possible offline", "F12 connects to the scale unit again"));
    }
    let unsent = till.journal.unsent()?;
    let records = unsent.sales + unsent.events;
    if unsent.set_aside > 0 {
        let text = format!("{} records were set aside", unsent.set_aside);
        return Err(Stop::refused(text, "`evertill journal export --set-aside`; headquarters can deactivate the device all the same"));
    }
    if records > 0 {
        return Err(Stop::refused(format!("{records} records are unsent"), "wait until they have arrived; F12 shows how far they are"));
    }
    if till.journal.shift_has_sales()? {
        let text = "the shift is open and has sales, so there may be money in the drawer";
        return Err(Stop::refused(text, "headquarters can deactivate the device once the drawer is counted"));
    }
    Ok(())
}
