#include "server/admin/import/csv.hpp"

#include <algorithm>

#include "common/secret.hpp"
#include "server/admin/import/import_row.hpp"

namespace securelogin::admin {
namespace {

constexpr std::size_t kMostFields = 256;
constexpr int kEnd = TextInput::kEnd;

}  // namespace

CsvReader::~CsvReader()
{
    for (auto& field : fields_) wipe(field);
}

int CsvReader::take()
{
    const int octet = input_.get();
    if (octet == '\n') ++line_;
    return octet;
}

bool CsvReader::next()
{
    size_ = octets_ = 0;
    fault_.reset();
    for (int octet = input_.peek(); octet == '\n' || octet == '\r'; octet = input_.peek()) (void)take();
    if (input_.peek() == kEnd) return false;
    first_line_ = line_;
    while (read_field(next_field()) == After::field) continue;
    return true;
}

std::string& CsvReader::next_field()
{
    if (size_ == fields_.size()) fields_.emplace_back();
    auto& field = fields_[size_];
    if (size_ + 1 < kMostFields) ++size_;
    field.clear();
    return field;
}

CsvReader::After CsvReader::read_field(std::string& field)
{
    if (size_ + 1 == kMostFields) return give_up("it has too many fields");
    if (input_.peek() != '"') return read_bare(field);
    (void)take();
    return read_quoted(field);
}

/// What is at hand of the field and means nothing but itself.  False when it is too long.
bool CsvReader::append_plain(std::string& field)
{
    const auto at_hand = input_.at_hand();
    const auto* const end =
        std::ranges::find_if(at_hand, [](char c) { return c == ',' || c == '"' || c == '\n' || c == '\r'; });
    const auto plain = at_hand.substr(0, static_cast<std::size_t>(end - at_hand.begin()));
    octets_ += plain.size();
    if (octets_ > kLongestRow) return false;
    field.append(plain);
    input_.skip(plain.size());
    return true;
}

CsvReader::After CsvReader::read_bare(std::string& field)
{
    for (;;) {
        if (!append_plain(field)) return give_up("it is too long");
        const int octet = take();
        if (octet == ',') return After::field;
        if (octet == '\n' || octet == kEnd) {
            if (field.ends_with('\r')) field.pop_back();
            return After::record;
        }
        if (octet == '"') return give_up("there is a quote inside of a field that is not quoted");
        if (!append(field, octet)) return give_up("it is too long");
    }
}

CsvReader::After CsvReader::read_quoted(std::string& field)
{
    for (;;) {
        if (!append_plain(field)) return give_up("it is too long");
        int octet = take();
        // RFC 4180 lets a quoted field go over lines.  Nothing that is imported does, and who has forgotten a
        // quote is not to lose the next users with it.
        if (octet == kEnd || octet == '\n') return fault("a quote is not closed");
        if (octet != '"') {
            if (!append(field, octet)) return give_up("it is too long");
            continue;
        }
        if (input_.peek() == '"') {
            if (!append(field, take())) return give_up("it is too long");
            continue;
        }
        octet = take();
        if (octet == '\r' && input_.peek() == '\n') octet = take();
        if (octet == ',') return After::field;
        if (octet == '\n' || octet == kEnd) return After::record;
        return give_up("there is text behind a closing quote");
    }
}

bool CsvReader::append(std::string& field, int octet)
{
    if (++octets_ > kLongestRow) return false;
    field += static_cast<char>(octet);
    return true;
}

/// At the end of a line.
CsvReader::After CsvReader::fault(const char* why)
{
    fault_ = why;
    return After::record;
}

/// To the end of the line that we are in.
CsvReader::After CsvReader::give_up(const char* why)
{
    fault_ = why;
    for (int octet = take(); octet != '\n' && octet != kEnd; octet = take()) continue;
    return After::record;
}

}  // namespace securelogin::admin
