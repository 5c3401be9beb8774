// import_row.hpp: a user as another program's file has one, before anything is made of it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "common/secret.hpp"

namespace securelogin::admin {

/// Where the row cannot be read, or is not wanted, the rest may be missing.
struct ImportRow {
    ImportRow() = default;
    ImportRow(ImportRow&&) = default;
    ImportRow& operator=(ImportRow&&) = default;
    ImportRow(const ImportRow&) = delete;
    ImportRow& operator=(const ImportRow&) = delete;
    ~ImportRow()
    {
        for (auto* const secret : {&password_hash, &otpauth_uri, &totp_base32}) wipe(*secret);
    }

    std::uint64_t number = 0;    // the line that it starts in; in a database, the row
    std::uint64_t position = 0;  // how far the source had been read
    std::string name = {};
    std::string password_hash = {};   // empty: there is none
    std::string otpauth_uri = {};     // empty: there is none
    std::string totp_base32 = {};     // in its place, where the program keeps that
    std::int64_t totp_last_step = 0;  // no code of this time step or before is accepted
    int totp_failures = 0;            // wrong codes that the key has borne
    bool must_change_password = false;
    std::optional<std::string> fault = {};     // why it cannot be read
    std::optional<std::string> left_out = {};  // why it is passed over, which is no fault
};

/// Where rows come from.  One thread.
class RowSource {
  public:
    RowSource() = default;
    virtual ~RowSource() = default;
    RowSource(const RowSource&) = delete;
    RowSource& operator=(const RowSource&) = delete;

    using Visit = std::function<void(ImportRow)>;
    /// All rows in their order; bounded memory whatever their number.  Once.  Throws Failure when the whole
    /// cannot be read (and what `visit` throws); what is wrong with one row is in that row.
    virtual void read(const Visit& visit) = 0;

    /// What the last row's position will be, more or less.
    [[nodiscard]] virtual std::uint64_t size() const noexcept = 0;
    /// What a row's number counts: `line` or `row`.
    [[nodiscard]] virtual std::string_view unit() const noexcept { return "line"; }
};

inline constexpr std::size_t kLongestRow = 16384;  // octets

}  // namespace securelogin::admin
