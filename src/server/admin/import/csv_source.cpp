#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "common/text.hpp"
#include "server/admin/failure.hpp"
#include "server/admin/import/csv.hpp"
#include "server/admin/import/row_sources.hpp"
#include "server/auth/user_name.hpp"

namespace securelogin::admin {
namespace {

constexpr std::array<std::string_view, 3> kColumns{"name", "password_hash", "otpauth_uri"};
enum Column : std::size_t { kName, kPasswordHash, kOtpauthUri };

[[noreturn]] void refuse_header(const std::string& why)
{
    throw Failure(ExitCode::refused, "reading the CSV's first line: " + why);
}

class CsvSource final : public RowSource {
  public:
    explicit CsvSource(TextInput input) : input_(std::move(input)) {}

    void read(const Visit& visit) override
    {
        read_header();
        while (csv_.next()) {
            auto row = make_row();
            row.number = csv_.line();
            row.position = input_.position();
            visit(std::move(row));
        }
    }
    [[nodiscard]] std::uint64_t size() const noexcept override { return input_.size(); }

  private:
    void read_header()
    {
        if (!csv_.next()) refuse_header("there is none");
        if (csv_.fault()) refuse_header(*csv_.fault());
        for (std::size_t i = 0; i < csv_.size(); ++i) {
            std::string_view title = csv_.field(i);
            if (i == 0 && title.starts_with(kByteOrderMark)) title.remove_prefix(kByteOrderMark.size());
            const auto known = std::ranges::find(kColumns, auth::fold_case(title));
            // A misspelt column would leave everybody without what stands in it.
            if (known == kColumns.end()) {
                refuse_header("there is a column " + printable(title) +
                              ": only name, password_hash and otpauth_uri are known: take others out");
            }
            if (std::ranges::count(columns_, *known) > 0)
                refuse_header("it has two columns " + std::string(*known));
            columns_.push_back(*known);
        }
        if (std::ranges::count(columns_, kColumns[kName]) == 0) refuse_header("it has no column name");
        if (columns_.size() == 1) refuse_header("it has neither a column password_hash nor otpauth_uri");
    }

    ImportRow make_row()
    {
        ImportRow row;
        if (csv_.fault()) {
            row.fault = csv_.fault();
        } else if (csv_.size() != columns_.size()) {
            row.fault = "it has " + std::to_string(csv_.size()) + " fields, and the first line " +
                        std::to_string(columns_.size());
        } else {
            for (std::size_t i = 0; i < columns_.size(); ++i) place_of(row, columns_[i]) = csv_.field(i);
        }
        return row;
    }

    static std::string& place_of(ImportRow& row, std::string_view column)
    {
        if (column == kColumns[kName]) return row.name;
        return column == kColumns[kPasswordHash] ? row.password_hash : row.otpauth_uri;
    }

    TextInput input_;
    CsvReader csv_{input_};
    std::vector<std::string_view> columns_ = {};
};

}  // namespace

bool is_csv_header(std::string_view line)
{
    TextInput input(line);
    CsvReader csv(input);
    if (!csv.next() || csv.fault()) return false;
    for (std::size_t i = 0; i < csv.size(); ++i) {
        if (auth::fold_case(csv.field(i)) == kColumns[kName]) return true;
    }
    return false;
}

std::unique_ptr<RowSource> make_csv_source(TextInput input)
{
    return std::make_unique<CsvSource>(std::move(input));
}

}  // namespace securelogin::admin
