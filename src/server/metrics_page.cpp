#include "server/metrics_page.hpp"

#include <fmt/format.h>

#include <iterator>
#include <string_view>

#include "server/auth/authenticator.hpp"

namespace securelogin {
namespace {

using Kind = login::Metrics::Kind;

constexpr double kMicroseconds = 1e6;  // in a second

class Page {
  public:
    void head(std::string_view name, std::string_view type, std::string_view help)
    {
        fmt::format_to(out(), "# HELP securelogin_{0} {2}\n# TYPE securelogin_{0} {1}\n", name, type, help);
    }
    template <typename Number>
    void sample(std::string_view name, std::string_view labels, Number number)
    {
        fmt::format_to(out(), "securelogin_{}{}{}{} {}\n", name, labels.empty() ? "" : "{", labels,
                       labels.empty() ? "" : "}", number);
    }
    template <typename Number>
    void single(std::string_view name, std::string_view type, std::string_view help, Number number)
    {
        head(name, type, help);
        sample(name, "", number);
    }
    /// What the histogram holds is divided by `scale`.
    void histogram(std::string_view name, std::string_view help, const Histogram& histogram, double scale)
    {
        head(name, "histogram", help);
        const auto bucket = fmt::format("{}_bucket", name);
        std::uint64_t below = 0;
        for (std::size_t range = 0; range < histogram.bounds().size(); ++range) {
            below += histogram.in_range(range);
            sample(bucket, fmt::format("le=\"{}\"", static_cast<double>(histogram.bounds()[range]) / scale),
                   below);
        }
        below += histogram.in_range(histogram.bounds().size());
        sample(bucket, "le=\"+Inf\"", below);
        sample(fmt::format("{}_sum", name), "", static_cast<double>(histogram.sum()) / scale);
        sample(fmt::format("{}_count", name), "", below);
    }
    [[nodiscard]] std::string take() { return std::move(text_); }

  private:
    std::back_insert_iterator<std::string> out() { return std::back_inserter(text_); }
    std::string text_;
};

constexpr std::string_view word_for(login::Metrics::NotJudged why) noexcept
{
    switch (why) {
        case login::Metrics::NotJudged::throttled:
            return "throttled";
        case login::Metrics::NotJudged::overloaded:
            return "overloaded";
        case login::Metrics::NotJudged::failed:
            break;
    }
    return "failed";
}

void show_attempts(Page& page, std::string_view kind, const login::Metrics::Attempts& attempts,
                   Reasons reasons)
{
    const auto sample = [&](std::string_view outcome, std::string_view reason, std::uint64_t number) {
        page.sample("attempts_total",
                    fmt::format(R"(kind="{}",outcome="{}",reason="{}")", kind, outcome, reason), number);
    };
    sample("granted", "", attempts.granted.value());
    std::uint64_t refused = 0;
    for (std::size_t number = 0; number < attempts.refused.size(); ++number) {
        const auto reason = to_string(static_cast<auth::Refusal>(number));
        if (reason == "unknown") continue;  // more places than reasons
        const auto value = attempts.refused.at(number).value();
        refused += value;
        if (reasons == Reasons::shown) sample("refused", reason, value);
    }
    if (reasons == Reasons::hidden) sample("refused", "", refused);
    for (std::size_t why = 0; why < attempts.not_judged.size(); ++why) {
        sample("not_judged", word_for(static_cast<login::Metrics::NotJudged>(why)),
               attempts.not_judged.at(why).value());
    }
}

void show_login(Page& page, const login::Metrics& metrics, Reasons reasons)
{
    page.head("attempts_total", "counter", "Attempts by what became of them.");
    show_attempts(page, "login", metrics.attempts(Kind::login), reasons);
    show_attempts(page, "confirm", metrics.attempts(Kind::confirm), reasons);
    page.head("codes_accepted_total", "counter",
              "Accepted codes by the distance of their time step from the server's, in steps.");
    for (int offset = -login::Metrics::kMostOffset; offset <= login::Metrics::kMostOffset; ++offset) {
        page.sample("codes_accepted_total", fmt::format("offset=\"{}\"", offset),
                    metrics.codes_accepted(offset));
    }
    page.histogram("hash_wait_seconds", "How long password checks have waited for a thread.",
                   metrics.hash_wait, kMicroseconds);
    page.histogram("hash_seconds", "How long password checks took, without the wait.", metrics.hash_time,
                   kMicroseconds);
}

void show_store(Page& page, const store::Metrics& metrics)
{
    page.histogram("commit_seconds", "How long commits took.", metrics.commit_time, kMicroseconds);
    page.histogram("commit_transactions", "How many transactions a commit held.", metrics.batch, 1);
    page.single("transactions_failed_total", "counter", "Transactions of which nothing was kept.",
                metrics.failed.value());
    page.single("audit_records_total", "counter", "Audit records written.", metrics.audit_records.value());
}

void show_gauges(Page& page, const Gauges& now)
{
    page.single("hash_queue", "gauge", "Places taken by password checks that wait or run.", now.hash_queue);
    page.single("hash_queue_limit", "gauge", "Places that there are.", now.hash_queue_limit);
    page.single("connections", "gauge", "Connections that are open.", now.connections.taken);
    page.single("connections_total", "counter", "Connections that were served.", now.connections.given);
    page.single("connections_turned_away_total", "counter", "Connections for which there was no slot.",
                now.connections.refused);
    page.single("connections_too_fast_total", "counter", "Connections turned away for their source's rate.",
                now.too_fast);
    page.single("handshakes", "gauge", "TLS handshakes under way.", now.handshakes.under_way);
    page.single("handshakes_waiting", "gauge", "Connections that wait for their turn to shake hands.",
                now.handshakes.waiting);
    page.single("handshakes_displaced_total", "counter", "Handshakes that gave way to another source's.",
                now.handshakes.displaced);
    page.single("log_lines_lost_total", "counter", "Log lines dropped because nobody read them.",
                now.log_lines_lost);
}

void show_state(Page& page, const StoreWatch::Seen& seen)
{
    page.single("waits", "gauge", "Names and sources that are made to wait.", seen.state.waits);
    page.single("ceilings_reached", "gauge", "Names that take no more attempts from strangers.",
                seen.state.ceilings);
    page.single("sessions", "gauge", "Sessions that have not ended.", seen.state.sessions);
    page.single("audit_checkpoint_age_seconds", "gauge", "Since the audit's end was told to the log.",
                seen.checkpoint_age.count());
    page.single("audit_records_since_checkpoint", "gauge", "Audit records written since.",
                seen.records_since_checkpoint);
    page.single("state_age_seconds", "gauge", "Since these were read in the database.", seen.age.count());
}

}  // namespace

std::string metrics_page(const login::Metrics& attempts, const store::Metrics& store, const Gauges& now,
                         Reasons reasons)
{
    Page page;
    page.head("build_info", "gauge", "Which build this is.");
    page.sample("build_info", "version=\"" SECURELOGIN_VERSION "\"", 1);
    show_login(page, attempts, reasons);
    show_store(page, store);
    show_gauges(page, now);
    show_state(page, now.store);
    return page.take();
}

}  // namespace securelogin
