// under_way.hpp: enrolments between two requests: a key that has been shown, and is still to be proved.
//
// An enrolment is found by an opaque id, by what it is for and by the cookie of the browser that began it,
// and is handed to one request at a time.  Bounded: where a source has kMostOfSource, or all together kMost,
// the oldest goes; all go after kLifetime.  Any thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "server/auth/token.hpp"
#include "server/login/async_enrolment.hpp"

namespace securelogin::web {

class EnrolmentsUnderWay {
  public:
    static constexpr std::size_t kMost = 512;
    static constexpr std::size_t kMostOfSource = 8;
    static constexpr std::chrono::minutes kLifetime{10};

    enum class Purpose { account, new_key };

    using Enrolment = std::unique_ptr<login::EnrolmentUnderWay>;

    /// Keeps it under an id that nobody can guess, for whoever has this cookie.
    void keep(std::string id, Purpose purpose, Enrolment enrolment, std::string_view cookie);
    /// Nothing when there is none, or it is another's.
    [[nodiscard]] Enrolment take(std::string_view id, Purpose purpose, std::string_view cookie);

  private:
    using Clock = std::chrono::steady_clock;

    struct Kept {
        std::string id;
        Purpose purpose;
        auth::TokenHash cookie;  // SHA-256
        std::string source;      // whose network began it
        Enrolment enrolment;
        Clock::time_point until;
    };

    void forget_old(Clock::time_point now);     // REQUIRES: locked
    void make_room(const std::string& source);  // REQUIRES: locked

    std::mutex mutex_;
    std::list<Kept> kept_;  // guarded; the oldest first
};

}  // namespace securelogin::web
