#include "server/net/kept_going.hpp"

#include <exception>

namespace securelogin::net {
namespace {

constexpr int kMostTries = 500;

}  // namespace

KeptGoing::Token::~Token()
{
    if (!state_) return;
    state_->going = false;
    // Whoever is just starting it sees that it has ended.
    if (state_->wanted && state_->starter.load() != std::this_thread::get_id()) keep_going(state_);
}

KeptGoing::KeptGoing(Start start, std::chrono::milliseconds pause)
    : state_(std::make_shared<State>(std::move(start), pause))
{
    keep_going(state_);
}

void KeptGoing::end() noexcept { state_->wanted = false; }

void KeptGoing::keep_going(const std::shared_ptr<State>& state) noexcept
{
    const std::lock_guard lock(state->starts);
    state->starter = std::this_thread::get_id();
    for (int tries = 0; state->wanted && !state->going; ++tries) {
        if (tries == kMostTries) std::terminate();
        if (tries > 0) std::this_thread::sleep_for(state->pause);
        try_to_start(state);
    }
    state->starter = std::thread::id();
}

void KeptGoing::try_to_start(const std::shared_ptr<State>& state) noexcept
try {
    state->going = true;
    state->start(Token(state));
} catch (const std::exception&) {
    state->going = false;
}

}  // namespace securelogin::net
