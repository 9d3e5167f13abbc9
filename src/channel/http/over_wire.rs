//! The HTTP client over a [`Wire`] in place of sockets: whatever it sends is brought there whole before the first byte of an answer is read.

use std::io::{self, Read};
use std::sync::Arc;

use ureq::Error;
use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, LazyBuffers, NextTimeout, Transport};

use crate::wire::Wire;

/// Connects to whatever is at the wire's other end.
#[derive(Debug)]
pub(super) struct OverWire(pub(super) Arc<dyn Wire>);

impl Connector for OverWire {
    type Out = Connection;

    fn connect(&self, details: &ConnectionDetails<'_>, _: Option<()>) -> Result<Option<Connection>, Error> {
        let buffers = LazyBuffers::new(details.config.input_buffer_size(), details.config.output_buffer_size());
        Ok(Some(Connection { wire: Arc::clone(&self.0), buffers, request: Vec::new(), answer: None }))
    }
}

/// One request and its answer.
#[derive(Debug)]
pub(super) struct Connection {
    wire: Arc<dyn Wire>,
    buffers: LazyBuffers,
    request: Vec<u8>,
    answer: Option<io::Cursor<Vec<u8>>>,
}

impl Transport for Connection {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, _: NextTimeout) -> Result<(), Error> {
        let output = &self.buffers.output()[..amount];
        self.request.extend_from_slice(output);
        Ok(())
    }

    fn await_input(&mut self, _: NextTimeout) -> Result<bool, Error> {
        let answer = match &mut self.answer {
            Some(answer) => answer,
            None => self.answer.insert(io::Cursor::new(self.wire.exchange(&self.request)?)),
        };
        let read = answer.read(self.buffers.input_append_buf())?;
        self.buffers.input_appended(read);
        Ok(read > 0)
    }

    /// Each request has a connection of its own.
    fn is_open(&mut self) -> bool {
        false
    }
}
