// execution.hpp: one use of a prepared statement.
#pragma once

#include <SQLiteCpp/Statement.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "server/auth/account.hpp"

namespace securelogin::store {

// Bound where they lie: they have to stay, unchanged, until the Execution is gone.
struct TextInPlace {
    const std::string& text;
};
struct OctetsInPlace {
    std::span<const std::uint8_t> octets;
};

/// Binds its arguments to $1, $2, ... in order; leaves the statement reset whatever happens.
/// What is bound is copied, unless it is said to be in place.
/// Times are seconds since the epoch.
class Execution {
  public:
    template <typename... Arguments>
    explicit Execution(SQLite::Statement& statement, const Arguments&... arguments) : statement_(statement)
    {
        int index = 0;
        (bind(++index, arguments), ...);
    }
    ~Execution() { statement_.tryReset(); }
    Execution(const Execution&) = delete;
    Execution& operator=(const Execution&) = delete;

    /// The next row; false when there is none.
    [[nodiscard]] bool next() { return statement_.executeStep(); }
    /// The number of rows changed.
    int run() { return statement_.exec(); }

  private:
    void bind(int index, std::int64_t value) { statement_.bind(index, value); }
    void bind(int index, int value) { statement_.bind(index, value); }
    void bind(int index, auth::UserId id) { bind(index, static_cast<std::int64_t>(id)); }
    void bind(int index, auth::Time time) { bind(index, std::int64_t{time.time_since_epoch().count()}); }
    void bind(int index, const std::string& text) { statement_.bind(index, text); }
    void bind(int index, std::string_view text) { statement_.bind(index, std::string(text)); }
    void bind(int index, std::span<const std::uint8_t> octets)
    {
        statement_.bind(index, octets.data(), static_cast<int>(octets.size()));
    }
    void bind(int index, const TextInPlace& value) { statement_.bindNoCopy(index, value.text); }
    void bind(int index, const OctetsInPlace& value)
    {
        statement_.bindNoCopy(index, value.octets.data(), static_cast<int>(value.octets.size()));
    }
    template <typename Value>
    void bind(int index, const std::optional<Value>& value)
    {
        if (value) {
            bind(index, *value);
        } else {
            statement_.bind(index);
        }
    }

    SQLite::Statement& statement_;
};

}  // namespace securelogin::store
