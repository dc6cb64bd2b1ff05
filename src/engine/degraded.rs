//! What is told of a stream that is not made as it was asked for any more (-mt_degrade).

use serde_json::{Value, json};

/// The numbers are C's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Choice {
    /// The job fails.
    Fail = 1,
    /// The stream ends, the output goes on with its others.
    Drop = 2,
    /// The packets of its source go on as they are; where that cannot be, it is dropped.
    Copy = 3,
}

impl Choice {
    const ALL: [Choice; 3] = [Choice::Fail, Choice::Drop, Choice::Copy];

    pub fn to_c(self) -> u32 {
        self as u32
    }

    pub fn word(self) -> &'static str {
        match self {
            Choice::Fail => "fail",
            Choice::Drop => "drop",
            Choice::Copy => "copy",
        }
    }

    pub(super) fn of_word(word: &str) -> Option<Choice> {
        Choice::ALL.into_iter().find(|choice| choice.word() == word)
    }
}

/// What is told of a stream that is not made as it was asked for any more.
#[derive(Clone, Debug)]
pub struct Degraded {
    pub output: usize,
    pub stream: usize,
    /// What is done now.
    pub choice: Choice,
    /// What failed: "decode", "filter", "encode" or "mux".
    pub stage: String,
    /// How many times in a row.
    pub failures: u32,
    /// The last time.
    pub code: i32,
    pub text: String,
}

impl Degraded {
    pub fn to_json(&self) -> Value {
        json!({
            "output": self.output, "stream": self.stream, "choice": self.choice.word(), "stage": self.stage,
            "failures": self.failures, "code": self.code, "text": self.text,
        })
    }

    /// What [`Self::to_json`] made.
    pub fn of_json(value: &Value) -> Option<Degraded> {
        let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
        let number = |key: &str| value[key].as_u64().unwrap_or(0);
        Some(Degraded {
            output: number("output") as usize,
            stream: number("stream") as usize,
            choice: Choice::of_word(value["choice"].as_str()?)?,
            stage: text("stage"),
            failures: number("failures") as u32,
            code: value["code"].as_i64().unwrap_or(0) as i32,
            text: text("text"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_worker_says_is_what_the_host_hears() {
        for choice in Choice::ALL {
            let text = "the encoder failed".to_owned();
            let told =
                Degraded { output: 1, stream: 2, choice, stage: "encode".into(), failures: 3, code: -1004, text };
            let heard = Degraded::of_json(&told.to_json()).unwrap();
            assert_eq!((heard.choice, format!("{heard:?}")), (choice, format!("{told:?}")));
        }
        assert!(Degraded::of_json(&json!({"choice": "shed"})).is_none() && Degraded::of_json(&json!(7)).is_none());
    }
}
