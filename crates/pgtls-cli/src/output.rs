//! Standard output and error: colours only for a terminal, and a reader that went away is no error.

use anstream::{
    AutoStream,
    stream::{AsLockedWrite, RawStream},
};
use std::io::{self, ErrorKind, Write};

/// A stream for people. Styles are stripped unless it is a terminal; `NO_COLOR` and `CLICOLOR_FORCE` are honoured.
/// After the reader has gone (`pgtls … | head`) writing quietly succeeds, so that the exit code still tells the outcome.
pub(crate) struct Output<S: RawStream> {
    stream: AutoStream<S>,
    reader_gone: bool,
}

/// Standard output.
pub(crate) fn stdout() -> Output<io::Stdout> {
    Output { stream: AutoStream::auto(io::stdout()), reader_gone: false }
}

impl<S: RawStream + AsLockedWrite> Output<S> {
    fn forgive(&mut self, result: io::Result<usize>, all: usize) -> io::Result<usize> {
        match result {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.reader_gone = true;
                Ok(all)
            }
            other => other,
        }
    }
}

impl<S: RawStream + AsLockedWrite> Write for Output<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.reader_gone {
            return Ok(bytes.len());
        }
        let result = self.stream.write(bytes);
        self.forgive(result, bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.reader_gone {
            return Ok(());
        }
        let result = self.stream.flush().map(|()| 0);
        self.forgive(result, 0).map(drop)
    }
}
