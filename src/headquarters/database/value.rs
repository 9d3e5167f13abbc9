//! Values that both databases have.

use postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use rusqlite::types::{ToSqlOutput, ValueRef};

use super::{Error, Result};
use crate::clock::Time;

/// A value in a row, or of a parameter.
#[derive(Clone, PartialEq, Debug)]
pub(in crate::headquarters) enum Value {
    Null,
    Whole(i64),
    Text(String),
    Bytes(Vec<u8>),
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Whole(number)
    }
}

/// Numbers beyond what a database keeps do not arise: versions, counts and file sizes.
impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Whole(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Whole(number.into())
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<Time> for Value {
    fn from(time: Time) -> Self {
        Self::Text(time.to_rfc3339_opts(chrono::SecondsFormat::Millis, true))
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl rusqlite::ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Whole(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

impl ToSql for Value {
    fn to_sql(
        &self,
        of: &Type,
        out: &mut postgres::types::private::BytesMut,
    ) -> std::result::Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Whole(number) => number.to_sql(of, out),
            Self::Text(text) => text.to_sql(of, out),
            Self::Bytes(bytes) => bytes.to_sql(of, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// A row of an answer.
pub(in crate::headquarters) struct Row(pub(super) Vec<Value>);

impl Row {
    /// A text.
    pub(in crate::headquarters) fn text(&self, column: usize) -> Result<String> {
        self.optional_text(column)?.ok_or_else(|| unexpected(column))
    }

    /// A text, if there is one.
    pub(in crate::headquarters) fn optional_text(&self, column: usize) -> Result<Option<String>> {
        match self.0.get(column) {
            Some(Value::Text(text)) => Ok(Some(text.clone())),
            Some(Value::Null) => Ok(None),
            Some(Value::Whole(_) | Value::Bytes(_)) | None => Err(unexpected(column)),
        }
    }

    /// A whole number that is never below nothing.
    pub(in crate::headquarters) fn number(&self, column: usize) -> Result<u64> {
        self.optional_number(column)?.ok_or_else(|| unexpected(column))
    }

    /// Such a number, if there is one.
    pub(in crate::headquarters) fn optional_number(&self, column: usize) -> Result<Option<u64>> {
        match self.0.get(column) {
            Some(Value::Whole(number)) => Ok(Some(u64::try_from(*number).map_err(|_| unexpected(column))?)),
            Some(Value::Null) => Ok(None),
            Some(Value::Text(_) | Value::Bytes(_)) | None => Err(unexpected(column)),
        }
    }

    /// Bytes.
    pub(in crate::headquarters) fn bytes(&self, column: usize) -> Result<&[u8]> {
        match self.0.get(column) {
            Some(Value::Bytes(bytes)) => Ok(bytes),
            Some(Value::Null | Value::Whole(_) | Value::Text(_)) | None => Err(unexpected(column)),
        }
    }

    /// A time.
    pub(in crate::headquarters) fn time(&self, column: usize) -> Result<Time> {
        let text = self.text(column)?;
        chrono::DateTime::parse_from_rfc3339(&text).map(Into::into).map_err(|_| unexpected(column))
    }
}

fn unexpected(column: usize) -> Error {
    Error::Database(format!("column {column} of an answer is not what it should be"))
}
