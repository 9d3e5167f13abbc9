//! A CSV file with a header, row by row: columns by name, limits on its size, every fault of a row collected.

use std::collections::HashMap;
use std::io::{self, Read};
use std::marker::PhantomData;
use std::sync::Arc;

use csv::{ByteRecord, ReaderBuilder};

use super::{BadRow, BadRows, ImportError};

/// A kind of row.
pub(super) trait Record: Sized {
    /// The columns that may stand in the header, in the order of the documentation.
    const COLUMNS: &'static [Column];

    /// Reads a row, noting every fault in it; nothing if a value could not be read.
    fn read(row: &mut Row<'_>) -> Option<Self>;
}

/// A column of a file.
pub(super) struct Column {
    pub name: &'static str,
    pub presence: Presence,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Presence {
    Mandatory,
    /// Its default stands in for the column and for an empty cell.
    Optional,
}

impl Column {
    pub(super) const fn mandatory(name: &'static str) -> Self {
        Self { name, presence: Presence::Mandatory }
    }

    pub(super) const fn optional(name: &'static str) -> Self {
        Self { name, presence: Presence::Optional }
    }
}

/// An iterator over a file's rows: each one good, or an error with all its faults. Ends after an error that is not about a row.
pub(super) struct Table<R, T> {
    file: Arc<str>,
    reader: csv::Reader<Ended<R>>,
    header: Vec<String>,
    /// First lines of the values that must be unique, by column.
    seen: HashMap<(&'static str, String), u64>,
    ended: bool,
    record: PhantomData<T>,
}

impl<R: Read, T: Record> Table<R, T> {
    pub(super) fn open(file: &str, input: R) -> Result<Self, ImportError> {
        Self::open_with(file, input, T::COLUMNS)
    }

    /// Opens a file whose columns somebody else names.
    pub(super) fn open_with(file: &str, input: R, columns: &[Column]) -> Result<Self, ImportError> {
        let bounded = Bounded { input, file_bytes_left: FILE_BYTES_MAX, row_bytes_left: ROW_BYTES_MAX, exceeded: None };
        let mut table = Self {
            file: file.into(),
            reader: ReaderBuilder::new()
                .has_headers(false)
                .flexible(true)
                // The reader counts the lines of files with CR LF one short; the CR falls to the trimming of cells.
                .terminator(csv::Terminator::Any(b'\n'))
                .from_reader(bounded.chain(END)),
            header: Vec::new(),
            seen: HashMap::new(),
            ended: false,
            record: PhantomData,
        };
        let (line, cells) = table.next_cells()?.unwrap_or((1, ByteRecord::new()));
        table.header = cells.iter().map(|cell| String::from_utf8_lossy(cell).trim().to_owned()).collect();
        let mut bad = BadRows::default();
        // Of a file in another encoding no name is worth a word.
        let foreign = cells.iter().zip(&table.header).find(|(cell, _)| std::str::from_utf8(cell).is_err());
        if let Some(open) = table.open_quote(&cells) {
            bad.add(open);
        } else if let Some((_, name)) = foreign {
            bad.add(BadRow { file: Arc::clone(&table.file), line, column: shown(name), why: NOT_UTF_8.to_owned() });
        } else {
            for (column, why) in header_faults(&table.header, columns) {
                bad.add(BadRow { file: Arc::clone(&table.file), line, column, why });
            }
        }
        if bad.is_empty() { Ok(table) } else { Err(ImportError::BadHeader(bad)) }
    }

    /// The next row that is not blank, with the line it begins on.
    fn next_cells(&mut self) -> Result<Option<(u64, ByteRecord)>, ImportError> {
        loop {
            self.reader.get_mut().get_mut().0.row_bytes_left = ROW_BYTES_MAX;
            let mut cells = ByteRecord::new();
            match self.reader.read_byte_record(&mut cells) {
                Ok(true) if cells.len() == 1 && cells[0].trim_ascii().is_empty() => {}
                Ok(true) => return Ok(Some((self.first_line_of(&cells), cells))),
                Ok(false) => return Ok(None),
                Err(error) => return Err(self.unreadable(error)),
            }
        }
    }

    /// Counted back from where the row ends: the reader counts blank lines before a row as part of it.
    fn first_line_of(&self, cells: &ByteRecord) -> u64 {
        let lines = cells.as_slice().split(|byte| *byte == b'\n').count() as u64;
        let begin = cells.position().map_or(1, csv::Position::line);
        self.reader.position().line().saturating_sub(lines).max(begin)
    }

    /// The fault of a row that goes on to the end of the file, and over the end that is put behind it: its last cell's quote is not closed.
    fn open_quote(&self, cells: &ByteRecord) -> Option<BadRow> {
        let file_bytes = FILE_BYTES_MAX - self.reader.get_ref().get_ref().0.file_bytes_left;
        let last = cells.iter().next_back()?;
        if self.reader.position().byte() < file_bytes + END.len() as u64 || !last.ends_with(END) {
            return None;
        }
        let lines = last.split(|byte| *byte == b'\n').count() as u64 - 1;
        let line = self.reader.position().line().saturating_sub(lines);
        let column = self.header.get(cells.len() - 1).map(|name| shown(name)).unwrap_or_default();
        Some(BadRow { file: Arc::clone(&self.file), line, column, why: "opens a quote that is not closed".to_owned() })
    }

    fn unreadable(&self, error: csv::Error) -> ImportError {
        let file = Arc::clone(&self.file);
        match self.reader.get_ref().get_ref().0.exceeded {
            Some((what, limit_bytes)) => ImportError::TooLarge { file, line: self.reader.position().line(), what, limit_bytes },
            None => ImportError::Unreadable { file, source: error.into() },
        }
    }

    /// Reads the next row by `read`, which is not asked if cells are missing or too many, and tells the row's faults.
    /// Nothing at the end of the file; an error is the end too.
    pub(super) fn next_row<V>(
        &mut self,
        read: impl FnOnce(&mut Row<'_>) -> Option<V>,
    ) -> Option<Result<(Option<V>, BadRows), ImportError>> {
        if self.ended {
            return None;
        }
        let (line, cells) = match self.next_cells() {
            Ok(Some(next)) => next,
            Ok(None) => {
                self.ended = true;
                return None;
            }
            Err(error) => {
                self.ended = true;
                return Some(Err(error));
            }
        };
        let mut bad = BadRows::default();
        if let Some(open) = self.open_quote(&cells) {
            bad.add(open);
            return Some(Ok((None, bad)));
        }
        let mut row = Row { line, cells: &cells, header: &self.header, seen: &mut self.seen, faults: Vec::new() };
        let value = row.has_all_cells().then(|| read(&mut row)).flatten();
        for (column, why) in row.faults {
            bad.add(BadRow { file: Arc::clone(&self.file), line, column, why });
        }
        Some(Ok((value, bad)))
    }
}

impl<R: Read, T: Record> Iterator for Table<R, T> {
    type Item = Result<T, ImportError>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(match self.next_row(T::read)? {
            Ok((Some(record), bad)) if bad.is_empty() => Ok(record),
            Ok((_, bad)) => Err(ImportError::BadRows(bad)),
            Err(error) => Err(error),
        })
    }
}

/// One row, asked for its cells by column. A fault is noted and the asker gets nothing.
pub(super) struct Row<'a> {
    pub line: u64,
    cells: &'a ByteRecord,
    header: &'a [String],
    seen: &'a mut HashMap<(&'static str, String), u64>,
    faults: Vec<(String, String)>,
}

impl Row<'_> {
    /// A cell that must not be empty.
    pub(super) fn required<V>(&mut self, column: &'static str, read: impl Fn(&str) -> Result<V, String>) -> Option<V> {
        match self.cell(column)?.as_str() {
            "" => self.fault(column, "is empty, expected a value"),
            text => self.checked(column, read(text)),
        }
    }

    /// A cell that may be empty or whose column may be missing.
    pub(super) fn optional<V>(&mut self, column: &'static str, default: V, read: impl Fn(&str) -> Result<V, String>) -> Option<V> {
        match self.cell(column)?.as_str() {
            "" => Some(default),
            text => self.checked(column, read(text)),
        }
    }

    /// Notes that a value stands in an earlier row of this column.
    pub(super) fn unique(&mut self, column: &'static str, value: &str) {
        let line = self.line;
        let first = *self.seen.entry((column, value.to_owned())).or_insert(line);
        if first != line {
            self.fault::<()>(column, format!("{value:?} stands in line {first} already, expected it once"));
        }
    }

    /// Notes a fault.
    pub(super) fn fault<V>(&mut self, column: &str, why: impl Into<String>) -> Option<V> {
        self.faults.push((column.to_owned(), why.into()));
        None
    }

    fn checked<V>(&mut self, column: &'static str, value: Result<V, String>) -> Option<V> {
        value.map_or_else(|why| self.fault(column, why), Some)
    }

    /// The cell's text; empty if the file does not have the column.
    pub(super) fn cell(&mut self, column: &'static str) -> Option<String> {
        let place = self.header.iter().position(|name| name == column);
        let bytes = place.and_then(|place| self.cells.get(place)).unwrap_or_default();
        match std::str::from_utf8(bytes) {
            Ok(text) => Some(text.trim().to_owned()),
            Err(_) => self.fault(column, NOT_UTF_8),
        }
    }

    fn has_all_cells(&mut self) -> bool {
        let (found, expected) = (self.cells.len(), self.header.len());
        if found == expected {
            return true;
        }
        let column = self.header.get(found).or(self.header.last()).cloned().unwrap_or_default();
        self.fault::<()>(&column, format!("row has {found} cells, expected {expected}"));
        false
    }
}

fn header_faults(header: &[String], columns: &[Column]) -> Vec<(String, String)> {
    let mut faults = Vec::new();
    // A file with more has unknown or repeated ones among these.
    for (place, name) in header.iter().enumerate().take(COLUMNS_MAX) {
        if header[..place].contains(name) {
            faults.push((shown(name), "stands twice in the header".to_owned()));
        } else if columns.iter().all(|column| column.name != name) {
            faults.push((shown(name), unknown(name, columns)));
        }
    }
    let is_missing = |column: &&Column| column.presence == Presence::Mandatory && !header.iter().any(|name| name == column.name);
    faults.extend(columns.iter().filter(is_missing).map(|column| (column.name.to_owned(), "is missing in the header".to_owned())));
    faults
}

fn unknown(name: &str, columns: &[Column]) -> String {
    let likeness = |column: &&Column| strsim::jaro_winkler(&shown(name), column.name);
    let nearest = columns.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    if let Some(column) = nearest.filter(|column| likeness(column) >= LIKE_ENOUGH) {
        return format!("is no column of this file, did you mean {}?", column.name);
    }
    let names: Vec<&str> = columns.iter().map(|column| column.name).collect();
    format!("is no column of this file, expected one of {}", names.join(", "))
}

/// Finds `prize` for `price` and `UnitPrice` for `unit_price`, and nothing for a word of another kind.
const LIKE_ENOUGH: f64 = 0.75;

const NOT_UTF_8: &str = "is not UTF-8 text";

/// A hostile column's name, fit for an error message.
fn shown(name: &str) -> String {
    name.chars().take(40).flat_map(char::escape_debug).collect()
}

/// Columns of a header that are looked at.
const COLUMNS_MAX: usize = 1_000;

/// A file of a million products has about a tenth of this.
const FILE_BYTES_MAX: u64 = 1 << 30;

/// A row with every text at its limit has a few kilobytes; only an unclosed quote goes on for longer.
const ROW_BYTES_MAX: u64 = 1 << 20;

/// What is put behind a file: a line's end for its last row, whether it has one or not, and a blank line that only an open quote takes in.
const END: &[u8] = b"\n\n";

/// The input with that end.
type Ended<R> = io::Chain<Bounded<R>, &'static [u8]>;

/// The input, which ends in an error once the file or a row of it is too large. The reader's buffer makes the row's limit a rough one.
struct Bounded<R> {
    input: R,
    file_bytes_left: u64,
    row_bytes_left: u64,
    exceeded: Option<(&'static str, u64)>,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        let bytes = count as u64;
        self.exceeded = match (self.file_bytes_left.checked_sub(bytes), self.row_bytes_left.checked_sub(bytes)) {
            (None, _) => Some(("the file", FILE_BYTES_MAX)),
            (_, None) => Some(("a row", ROW_BYTES_MAX)),
            (Some(file), Some(row)) => {
                (self.file_bytes_left, self.row_bytes_left) = (file, row);
                return Ok(count);
            }
        };
        Err(io::ErrorKind::FileTooLarge.into())
    }
}

#[cfg(test)]
mod tests {
    use super::super::field;
    use super::*;

    #[derive(Debug, PartialEq)]
    struct Pair(String, bool);

    impl Record for Pair {
        const COLUMNS: &'static [Column] = &[Column::mandatory("unit_price"), Column::optional("weighed")];

        fn read(row: &mut Row<'_>) -> Option<Self> {
            let price = row.required("unit_price", field::name);
            let weighed = row.optional("weighed", false, field::boolean);
            Some(Self(price?, weighed?))
        }
    }

    fn rows(text: &[u8]) -> Vec<Result<Pair, String>> {
        let table = match Table::<_, Pair>::open("f.csv", text) {
            Ok(table) => table,
            Err(error) => return vec![Err(error.to_string())],
        };
        table.map(|row| row.map_err(|error| error.to_string())).collect()
    }

    fn pair(price: &str, weighed: bool) -> Pair {
        Pair(price.into(), weighed)
    }

    #[test]
    fn columns_come_in_any_order_and_optional_ones_may_be_missing_or_empty() {
        for text in ["unit_price\n1\n", "weighed,unit_price\n,1\nno,1", "\u{feff}unit_price,weighed\r\n 1 ,\r\n"] {
            assert_eq!(rows(text.as_bytes())[0], Ok(pair("1", false)), "{text:?}");
        }
    }

    #[test]
    fn a_header_s_faults_come_all_at_once_with_the_nearest_name() {
        for (header, expected) in [
            (
                "unit_prise,wieghed",
                "f.csv:1: unit_prise: is no column of this file, did you mean unit_price?\n\
              f.csv:1: wieghed: is no column of this file, did you mean weighed?\n\
              f.csv:1: unit_price: is missing in the header",
            ),
            ("unit_price,unit_price", "f.csv:1: unit_price: stands twice in the header"),
            ("unit_price,zzz", "f.csv:1: zzz: is no column of this file, expected one of unit_price, weighed"),
            ("", "f.csv:1: unit_price: is missing in the header"),
        ] {
            assert_eq!(rows(header.as_bytes()), [Err(expected.to_owned())], "{header}");
        }
    }

    #[test]
    fn a_header_without_end_is_refused_in_time() {
        let header = (0..150_000).fold(String::new(), |header, number| header + &format!("{number:x},"));
        let found = rows(header.as_bytes());
        assert!(matches!(&found[..], [Err(faults)] if faults.ends_with("and 901 more")), "{:.200}", format!("{found:?}"));
    }

    #[test]
    fn a_row_is_named_by_the_line_it_begins_on() {
        let text = b"unit_price,weighed\n\"two\nlines\",no\n1,maybe\n\n1\n1,no,no\n\xff,no\n";
        let line_3 = "f.csv:2: unit_price: \"two\\nlines\" has a control character";
        let found = rows(text);
        assert_eq!(found[0], Err(line_3.to_owned()));
        assert_eq!(found[1], Err("f.csv:4: weighed: \"maybe\" is neither yes nor no, expected true, false, 1, 0, yes or no".into()));
        assert_eq!(found[2], Err("f.csv:6: weighed: row has 1 cells, expected 2".into()));
        assert_eq!(found[3], Err("f.csv:7: weighed: row has 3 cells, expected 2".into()));
        assert_eq!(found[4], Err("f.csv:8: unit_price: is not UTF-8 text".into()));
        assert_eq!(found.len(), 5);
    }

    #[test]
    fn a_quote_that_is_not_closed_is_named_by_the_line_it_opens_on() {
        let why = "opens a quote that is not closed";
        for (file, expected) in [
            ("unit_price,weighed\n1,no\n\n2,\"no\n3,no\n", format!("f.csv:4: weighed: {why}")),
            ("unit_price,weighed\r\n\"2", format!("f.csv:2: unit_price: {why}")),
            ("unit_price,weighed\n\"two\nlines\",\"\n", format!("f.csv:3: weighed: {why}")),
            ("unit_price,\"weighed\n1,no\n", format!("f.csv:1: weighed\\n1,no: {why}")),
        ] {
            assert_eq!(rows(file.as_bytes()).last(), Some(&Err(expected)), "{file:?}");
        }
        assert_eq!(rows(b"unit_price\n\"1\n\n\"").last(), Some(&Ok(pair("1", false))));
    }

    #[test]
    fn of_a_header_in_another_encoding_one_word_is_enough() {
        assert_eq!(rows(b"unit_price,gr\xf6\xdfe,weighed\n"), [Err("f.csv:1: gr\u{fffd}\u{fffd}e: is not UTF-8 text".to_owned())]);
    }

    #[test]
    fn lines_are_counted_alike_however_they_end() {
        for file in ["unit_price\n\n\n1\n\n\0\n\n\n", "unit_price\r\n\r\n \r\n1\r\n\r\n\0"] {
            let error = Err("f.csv:6: unit_price: \"\\0\" has a control character".into());
            assert_eq!(rows(file.as_bytes()), [Ok(pair("1", false)), error], "{file:?}");
        }
        assert_eq!(rows(b"unit_price\r\n\"a\"\r\n"), [Ok(pair("a", false))]);
    }

    #[test]
    fn quotes_hold_commas_and_quotes() {
        assert_eq!(rows(b"unit_price\n\"a, \"\"b\"\"\"\n"), [Ok(pair("a, \"b\"", false))]);
    }

    #[test]
    fn a_quote_that_is_never_closed_ends_the_reading() {
        let text = format!("unit_price\n1\n\"{}", "a".repeat(3 << 20));
        let found = rows(text.as_bytes());
        assert_eq!(found.len(), 2);
        assert_eq!(found[1], Err("f.csv:3: a row is larger than 1048576 bytes".into()));
    }

    #[test]
    fn a_file_beyond_the_limit_ends_the_reading() {
        let endless = io::Cursor::new("unit_price\n").chain(Lines);
        let table = Table::<_, Pair>::open("f.csv", endless).unwrap();
        let bounded = table.reader.get_ref().get_ref().0.file_bytes_left;
        assert!(bounded < FILE_BYTES_MAX);
        let mut table = table;
        table.reader.get_mut().get_mut().0.file_bytes_left = 1 << 16;
        let last = table.last().unwrap().unwrap_err();
        assert!(matches!(last, ImportError::TooLarge { what: "the file", .. }), "{last}");
    }

    #[test]
    fn an_unreadable_file_is_an_error_and_the_end() {
        let broken = io::Cursor::new("unit_price\n1\n").chain(Broken);
        let found: Vec<_> = Table::<_, Pair>::open("f.csv", broken).unwrap().collect();
        assert!(matches!(found.last(), Some(Err(ImportError::Unreadable { .. }))));
        assert_eq!(found.len(), 2);
    }

    /// A file without an end.
    struct Lines;

    impl Read for Lines {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let length = buffer.len() / 2 * 2;
            buffer[..length].chunks_exact_mut(2).for_each(|line| line.copy_from_slice(b"1\n"));
            Ok(length)
        }
    }

    /// A disk that fails.
    struct Broken;

    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("disk on fire"))
        }
    }
}
