//! What tells the application of nginx's hits.

use super::error::{Error, refuse};
use super::text::Text;
use crate::feed::{LIVE, MOST, WORD};

/// The socket, and of how many hits one is told.
pub(super) struct HitFeed {
    path: String,
    sample: u32,
}

impl HitFeed {
    pub(super) fn check(path: &str, sample: u32) -> Result<HitFeed, Error> {
        if sample == 0 || !MOST.is_multiple_of(sample) {
            return Err(refuse(
                "hit sample",
                &sample.to_string(),
                "nginx knows hundredths of a per cent: give a number that 10,000 can be divided \
                 by, such as 1, 10, 100 or 1000",
            ));
        }
        let path = path.to_owned();
        Ok(HitFeed { path, sample })
    }

    /// In the `http` block.
    pub(super) fn write(&self, text: &mut Text, name: &str, target: &str) {
        let sample = self.sample;
        text.why("The application does not see hits: it is told of them by datagrams, which");
        text.why("nobody waits for. A server with an access_log of its own needs this line, too.");
        text.line(format_args!(
            "log_format {name}_hit escape=none \"{WORD} {sample} $status $body_bytes_sent {target}\""
        ));
        for variable in ["live", "hit"] {
            // `set` would leave them without a value in other servers.
            text.block(format_args!("map \"\" ${name}_{variable}"), |text| {
                text.line("default \"\"");
            });
        }
        if sample > 1 {
            let hundredths = MOST / sample;
            let share = format!("{}.{:02}%", hundredths / 100, hundredths % 100);
            text.block(
                format_args!("split_clients $request_id ${name}_sampled"),
                |text| {
                    text.line(format_args!("{share} 1"));
                    text.line("* \"\"");
                },
            );
        }
        text.line(format_args!(
            "access_log syslog:server=unix:{},nohostname,tag={} {name}_hit if=${name}_hit",
            self.path,
            // As syslog has it: 32 of A-Z a-z 0-9 _, and a name has no others.
            &name[..name.len().min(32)]
        ));
    }

    /// In the `server` block.
    pub(super) fn look(&self, text: &mut Text, name: &str) {
        let sampled = match self.sample {
            1 => "1".to_owned(),
            _ => format!("${name}_sampled"),
        };
        text.why("A link to the process that reads what is told of hits. Sending to nobody would");
        text.why("cost an error line each.");
        text.block(format_args!("if (-e {}{LIVE})", self.path), |text| {
            text.line(format_args!("set ${name}_live {sampled}"));
        });
    }

    /// In the location of pages: this may be a hit.
    pub(super) fn may_be_hit(text: &mut Text, name: &str) {
        text.line(format_args!("set ${name}_hit ${name}_live"));
    }

    /// Where the application answers: it is none.
    pub(super) fn is_no_hit(text: &mut Text, name: &str) {
        text.line(format_args!("set ${name}_hit \"\""));
    }
}
