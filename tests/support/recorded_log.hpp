// recorded_log.hpp: an event log that a test can read.  Any thread.
#pragma once

#include <initializer_list>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "common/event_log.hpp"

namespace securelogin::support {

class RecordedLog final : public EventLog {
  public:
    void write(Level /*level*/, std::string_view event, std::initializer_list<Field> fields) noexcept override
    {
        std::string line(event);
        for (const auto& field : fields) line += ' ' + std::string(field.key) + '=' + field.value;
        const std::lock_guard lock(mutex_);
        lines_.push_back(std::move(line));
    }

    [[nodiscard]] std::vector<std::string> lines() const
    {
        const std::lock_guard lock(mutex_);
        return lines_;
    }

  private:
    mutable std::mutex mutex_;
    std::vector<std::string> lines_;
};

}  // namespace securelogin::support
