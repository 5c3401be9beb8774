#include "server/net/handshakes.hpp"

#include <algorithm>

namespace securelogin::net {

struct Handshakes::Turn::State {
    enum class Is { waiting, under_way, displaced };
    Groups::iterator group;  // until it is displaced
    Notices notices;
    Is is = Is::waiting;
    Clock::time_point began = {};  // from the moment on when it has a place
};

Handshakes::Turn::~Turn()
{
    if (state_) owner_->leave(state_);
}

bool Handshakes::Turn::has_come() const
{
    const std::lock_guard lock(owner_->mutex_);
    return state_->is == State::Is::under_way;
}

bool Handshakes::Turn::is_waiting() const
{
    const std::lock_guard lock(owner_->mutex_);
    return state_->is == State::Is::waiting;
}

void Handshakes::Turn::insist(Clock::time_point now) { owner_->insist(*state_, now); }

Handshakes::Turn Handshakes::ask(const auth::Source& source, Notices notices)
{
    const std::lock_guard lock(mutex_);
    // What may throw comes first.
    Line one{std::make_shared<Turn::State>(Turn::State{.group = {}, .notices = std::move(notices)})};
    Turns turn(1);
    const auto group = groups_.try_emplace(source.network()).first;
    const auto state = one.front();
    state->group = group;
    auto& [under_way, waiting, in_turns] = group->second;
    const bool was_waiting = !waiting.empty();
    waiting.splice(waiting.end(), one);
    ++waiting_;

    const bool source_may = under_way.size() < limits_.per_source && !was_waiting;
    if (source_may && (under_way_ < limits_.in_all || (under_way.empty() && displace_one()))) {
        begin(group);
    } else if (!was_waiting) {
        turn.front() = group;
        in_turns = turn.begin();
        turns_.splice(turns_.end(), turn);
    }
    return {*this, state};
}

/// The first who waits of this group has a place.
void Handshakes::begin(Groups::iterator group) noexcept
{
    auto& [under_way, waiting, in_turns] = group->second;
    if (under_way.empty()) busy_.push_back(group);  // room is reserved: set_limits()
    under_way.splice(under_way.end(), waiting, waiting.begin());
    under_way.back()->is = Turn::State::Is::under_way;
    under_way.back()->began = Clock::now();
    --waiting_;
    ++under_way_;
}

/// False when nobody has more than one.
bool Handshakes::displace_one() noexcept
{
    const auto most = std::max_element(busy_.begin(), busy_.end(), [](const auto& one, const auto& other) {
        return one->second.under_way.size() < other->second.under_way.size();
    });
    if (most == busy_.end() || (*most)->second.under_way.size() < 2) return false;
    displace_oldest(*most);
    return true;
}

/// REQUIRES: one of the group is under way.
void Handshakes::displace_oldest(Groups::iterator group) noexcept
{
    const auto oldest = group->second.under_way.front();
    oldest->is = Turn::State::Is::displaced;
    end(oldest);
    ++displaced_;
    if (group->second.under_way.empty() && group->second.waiting.empty()) groups_.erase(group);
    oldest->notices.displaced();
}

void Handshakes::insist(const Turn::State& turn, Clock::time_point now) noexcept
{
    const std::lock_guard lock(mutex_);
    if (turn.is != Turn::State::Is::waiting) return;
    auto victim = turn.group;
    if (victim->second.under_way.size() <
        limits_.per_source) {  // all the places are taken, and not by its source
        const auto oldest =
            std::min_element(busy_.begin(), busy_.end(), [](const auto& one, const auto& other) {
                return one->second.under_way.front()->began < other->second.under_way.front()->began;
            });
        if (oldest == busy_.end()) return;
        victim = *oldest;
    }
    if (now - victim->second.under_way.front()->began < kTenure) return;
    displace_oldest(victim);
    serve_waiting();
}

void Handshakes::leave(const std::shared_ptr<Turn::State>& turn) noexcept
{
    const std::lock_guard lock(mutex_);
    if (turn->is == Turn::State::Is::displaced) return;
    const auto group = turn->group;
    if (turn->is == Turn::State::Is::under_way) {
        end(turn);
        serve_waiting();
    } else {
        give_up(turn);
    }
    if (group->second.under_way.empty() && group->second.waiting.empty()) groups_.erase(group);
}

void Handshakes::end(const std::shared_ptr<Turn::State>& turn) noexcept
{
    auto& line = turn->group->second.under_way;
    line.remove(turn);
    --under_way_;
    if (line.empty()) std::erase(busy_, turn->group);
}

void Handshakes::give_up(const std::shared_ptr<Turn::State>& turn) noexcept
{
    auto& group = turn->group->second;
    group.waiting.remove(turn);
    --waiting_;
    if (group.waiting.empty()) turns_.erase(group.turn);
}

/// Groups that have all they may are passed by; there are in_all / per_source of those at most.
void Handshakes::serve_waiting() noexcept
{
    while (under_way_ < limits_.in_all) {
        const auto next = std::find_if(turns_.begin(), turns_.end(), [&](const auto& group) {
            return group->second.under_way.size() < limits_.per_source;
        });
        if (next == turns_.end()) return;
        const auto group = *next;
        begin(group);
        group->second.under_way.back()->notices.granted();
        if (group->second.waiting.empty()) {
            turns_.erase(next);
        } else {
            turns_.splice(turns_.end(), turns_, next);
        }
    }
}

void Handshakes::set_limits(Limits limits)
{
    const std::lock_guard lock(mutex_);
    busy_.reserve(std::max(limits.in_all, busy_.size()));
    limits_ = limits;
    serve_waiting();
}

Handshakes::Counts Handshakes::counts() const
{
    const std::lock_guard lock(mutex_);
    return {.under_way = under_way_, .waiting = waiting_, .displaced = displaced_};
}

}  // namespace securelogin::net
