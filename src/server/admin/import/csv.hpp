// csv.hpp: comma-separated values (RFC 4180), record by record.
//
// LF alone ends a record too, as most programs write it.  Nothing is guessed: a quote inside of a bare field,
// text behind a closing quote, or a quoted field that goes over lines, is a fault of the record, and reading
// goes on with the next line.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "server/admin/import/text_input.hpp"

namespace securelogin::admin {

class CsvReader {
  public:
    /// `input` has to outlive this.
    explicit CsvReader(TextInput& input) : input_(input) {}
    ~CsvReader();
    CsvReader(const CsvReader&) = delete;
    CsvReader& operator=(const CsvReader&) = delete;

    /// The next record; false at the end.  Blank lines are passed over.  A record of more than kLongestRow
    /// octets is a fault.
    [[nodiscard]] bool next();

    // Of the record that next() has read.
    [[nodiscard]] std::uint64_t line() const noexcept { return first_line_; }  // that it starts in, from 1
    [[nodiscard]] const std::optional<std::string>& fault() const noexcept { return fault_; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    /// REQUIRES: i < size().
    [[nodiscard]] const std::string& field(std::size_t i) const { return fields_.at(i); }

  private:
    enum class After { field, record };
    int take();
    After read_field(std::string& field);
    After read_quoted(std::string& field);
    After read_bare(std::string& field);
    bool append_plain(std::string& field);
    bool append(std::string& field, int octet);
    After fault(const char* why);
    After give_up(const char* why);
    std::string& next_field();

    TextInput& input_;
    std::vector<std::string> fields_ = {};  // more than size_ where an earlier record had more
    std::size_t size_ = 0;
    std::size_t octets_ = 0;
    std::uint64_t line_ = 1;
    std::uint64_t first_line_ = 1;
    std::optional<std::string> fault_ = {};
};

}  // namespace securelogin::admin
