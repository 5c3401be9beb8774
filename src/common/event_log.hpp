// event_log.hpp: what happened, for the operator.
//
// One event is one line.  Values may hold anything; an implementation escapes what is not printable.  No
// credential goes in: a name that is nobody's is logged as its keyed hash (auth/master_key.hpp).
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace securelogin {

enum class Level { debug, info, warning, error };

struct Field {
    std::string_view key;  // lower case, no blank
    std::string value;
};

class EventLog {
  public:
    virtual ~EventLog() = default;
    /// Any thread; never blocks on a slow reader of the log, and never throws.
    virtual void write(Level level, std::string_view event, std::initializer_list<Field> fields) noexcept = 0;
    /// How many events have been dropped so far because nobody reads.  Any thread.
    [[nodiscard]] virtual std::uint64_t lost() const noexcept { return 0; }
};

}  // namespace securelogin
