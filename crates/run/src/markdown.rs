//! Tables in Markdown.

/// A table as Markdown: a header, and rows of as many cells. In a cell `|` is escaped and line breaks become spaces.
#[must_use]
pub fn markdown_table(header: &[&str], rows: &[Vec<String>]) -> String {
    let cell = |text: &str| format!(" {} |", text.replace('|', "\\|").replace(['\n', '\r'], " "));
    let mut table: String =
        std::iter::once("|".to_owned()).chain(header.iter().map(|text| cell(text))).collect();
    table += &format!("\n|{}\n", "---|".repeat(header.len()));
    for row in rows {
        table += &format!("|{}\n", row.iter().map(|text| cell(text)).collect::<String>());
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell_stays_in_its_place() {
        let rows = [["a|b", "c\nd"], ["", "e"]].map(|row| row.map(str::to_owned).to_vec());
        let expected = "| x | y |\n|---|---|\n| a\\|b | c d |\n|  | e |\n";
        assert_eq!(markdown_table(&["x", "y"], &rows), expected);
    }
}
