#include "server/log.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <climits>
#include <csignal>

#include "common/text.hpp"

namespace securelogin {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;
using namespace std::chrono_literals;

constexpr std::size_t kQueuedLines = 1024;
constexpr auto kFarewell = 1s;     // how long the last lines may wait for a reader
constexpr auto kPatience = 100ms;  // how often a writer who waits for a reader looks whether it should stop

std::string_view name_of(Level level) noexcept
{
    switch (level) {
        case Level::debug:
            return "debug";
        case Level::info:
            return "info";
        case Level::warning:
            return "warning";
        case Level::error:
            return "error";
    }
    return "error";
}

std::string in_quotes(std::string_view text, std::string_view to_escape)
{
    std::string quoted = "\"";
    for (const char c : text) {
        if (to_escape.find(c) != std::string_view::npos) quoted += '\\';
        quoted += c;
    }
    return quoted += '"';
}

std::string text_value(std::string_view value)
{
    auto shown = escaped(value);
    const bool plain = !shown.empty() && shown.find_first_of(" \"=\\") == std::string::npos;
    return plain ? shown : in_quotes(shown, "\"");  // escaped() has seen to the backslashes
}

// RFC 8259 section 7: in text that is printable only the quote and the backslash are special.
std::string json_value(std::string_view value) { return in_quotes(escaped(value), "\"\\"); }

std::string format_text(std::string_view time, Level level, std::string_view event,
                        std::initializer_list<Field> fields)
{
    auto line = fmt::format("{} {} {}", time, name_of(level), event);
    for (const auto& field : fields) line += fmt::format(" {}={}", field.key, text_value(field.value));
    return line;
}

std::string format_json(std::string_view time, Level level, std::string_view event,
                        std::initializer_list<Field> fields)
{
    auto line = fmt::format(R"({{"time":{},"level":{},"event":{})", json_value(time),
                            json_value(name_of(level)), json_value(event));
    for (const auto& field : fields)
        line += fmt::format(",{}:{}", json_value(field.key), json_value(field.value));
    return line += '}';
}

// RFC 3339, UTC.
std::string timestamp(std::chrono::system_clock::time_point moment)
{
    const auto day = std::chrono::floor<std::chrono::days>(moment);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss time(std::chrono::floor<std::chrono::milliseconds>(moment - day));
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                       time.hours().count(), time.minutes().count(), time.seconds().count(),
                       time.subseconds().count());
}

std::string format_now(LogFormat format, Level level, std::string_view event,
                       std::initializer_list<Field> fields)
{
    return format_event_now(format, level, event, fields) + '\n';
}

// Lives on the log's thread, but for close().
class StderrSink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
  public:
    StderrSink(LogFormat format, spdlog::details::thread_pool& queue) : format_(format), queue_(queue) {}

    // From now on nothing waits longer than kFarewell for a reader.
    void close() noexcept { give_up_at_ = std::chrono::steady_clock::now() + kFarewell; }

  private:
    void sink_it_(const spdlog::details::log_msg& message) override
    {
        tell_of_lost_lines();
        write_out({message.payload.data(), message.payload.size()});
    }
    void flush_() override {}

    void tell_of_lost_lines()
    {
        const auto lost = queue_.overrun_counter();
        if (lost == told_) return;
        write_out(
            format_now(format_, Level::warning, "log_overrun", {{"lost", std::to_string(lost - told_)}}));
        told_ = lost;
    }

    // A pipe that is ready takes PIPE_BUF octets without blocking (POSIX): a reader that has gone to sleep
    // can hold up this thread no longer than wait_for_reader() says.
    void write_out(std::string_view line) const
    {
        while (!line.empty() && wait_for_reader()) {
            const auto written =
                ::write(STDERR_FILENO, line.data(), std::min<std::size_t>(line.size(), PIPE_BUF));
            if (written < 0 && errno != EINTR && errno != EAGAIN) return;
            if (written > 0) line.remove_prefix(static_cast<std::size_t>(written));
        }
    }

    bool wait_for_reader() const
    {
        pollfd reader{STDERR_FILENO, POLLOUT, 0};
        for (;;) {
            const bool may_wait = std::chrono::steady_clock::now() < give_up_at_.load();
            if (::poll(&reader, 1, may_wait ? static_cast<int>(kPatience / 1ms) : 0) > 0) return true;
            if (!may_wait) return false;
        }
    }

    const LogFormat format_;
    spdlog::details::thread_pool& queue_;
    std::size_t told_ = 0;  // of the lines lost so far
    std::atomic<SteadyTime> give_up_at_ = SteadyTime::max();
};

/// The queue and its thread, which inherits that all signals are blocked: they are main's to take, and
/// SIGPIPE would end the program.
std::shared_ptr<spdlog::details::thread_pool> make_queue()
{
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const auto restore = [&before](const void*) { pthread_sigmask(SIG_SETMASK, &before, nullptr); };
    const std::unique_ptr<const void, decltype(restore)> restored(&before, restore);
    return std::make_shared<spdlog::details::thread_pool>(kQueuedLines, 1);
}

class StderrLog final : public EventLog {
  public:
    StderrLog(LogFormat format, Level lowest)
        : format_(format),
          lowest_(lowest),
          queue_(make_queue()),
          sink_(std::make_shared<StderrSink>(format, *queue_)),
          logger_(std::make_shared<spdlog::async_logger>("events", sink_, queue_,
                                                         spdlog::async_overflow_policy::overrun_oldest))
    {
        logger_->set_level(spdlog::level::trace);        // lowest_ decides
        logger_->set_error_handler([](const auto&) {});  // there is nobody left to tell
    }

    ~StderrLog() override
    {
        sink_->close();
        logger_.reset();
        queue_.reset();  // writes out what is queued, then joins
    }

    StderrLog(const StderrLog&) = delete;
    StderrLog& operator=(const StderrLog&) = delete;

    void write(Level level, std::string_view event, std::initializer_list<Field> fields) noexcept override
    {
        if (level < lowest_) return;
        try {
            const auto line = format_now(format_, level, event, fields);
            logger_->log(spdlog::level::info, spdlog::string_view_t(line.data(), line.size()));
        } catch (...) {  // NOLINT(bugprone-empty-catch): out of memory; a line is lost, the server is not
        }
    }

    std::uint64_t lost() const noexcept override { return queue_->overrun_counter(); }

  private:
    const LogFormat format_;
    const Level lowest_;
    std::shared_ptr<spdlog::details::thread_pool> queue_;
    std::shared_ptr<StderrSink> sink_;
    std::shared_ptr<spdlog::async_logger> logger_;
};

}  // namespace

std::string format_event(LogFormat format, std::string_view time, Level level, std::string_view event,
                         std::initializer_list<Field> fields)
{
    return format == LogFormat::json ? format_json(time, level, event, fields)
                                     : format_text(time, level, event, fields);
}

std::string format_event_now(LogFormat format, Level level, std::string_view event,
                             std::initializer_list<Field> fields)
{
    return format_event(format, timestamp(std::chrono::system_clock::now()), level, event, fields);
}

void write_event_to_stderr(LogFormat format, Level level, std::string_view event,
                           std::initializer_list<Field> fields) noexcept
{
    try {
        const auto line = format_now(format, level, event, fields);
        while (::write(STDERR_FILENO, line.data(), line.size()) < 0 && errno == EINTR) continue;
    } catch (...) {  // NOLINT(bugprone-empty-catch): out of memory; a line is lost
    }
}

std::unique_ptr<EventLog> open_stderr_log(LogFormat format, Level lowest)
{
    return std::make_unique<StderrLog>(format, lowest);
}

}  // namespace securelogin
