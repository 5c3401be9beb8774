// fair_queue.hpp: who is hashed next, and who is dropped, when more ask than can be served.
//
// Served first are those on devices that their user has logged in with, then those at addresses that have
// lately had a success with the name, then strangers.  Within a standing the sources take turns, so that what
// one source asks for in a flood waits behind its own requests only.
//
// A value: one thread at a time.  Only push() needs memory, and where there is none changes nothing; what
// takes out cannot fail.
#pragma once

#include <array>
#include <cstddef>
#include <deque>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace securelogin::auth {

enum class Standing { known_device, known_source, stranger };  // in the order of service
inline constexpr std::size_t kStandings = 3;

/// Who asks, as the queue counts it.
struct Asker {
    Standing standing = Standing::stranger;
    std::string source;  // Source::network(): else one holder of many networks had many turns
};

/// `Item` is a pointer or something as cheap, comparable with ==.
template <typename Item>
class FairQueue {
  public:
    void push(const Asker& asker, Item item)
    {
        auto& line = lines_[index(asker.standing)];
        if (const auto entry = line.items.find(asker.source); entry != line.items.end()) {
            entry->second.push_back(std::move(item));
        } else {
            Items fresh;
            fresh[asker.source].push_back(std::move(item));
            Turns turn{asker.source};
            line.items.merge(fresh);  // neither this nor the next needs memory
            line.turns.splice(line.turns.end(), turn);
        }
        ++size_;
    }

    /// The next to be served; nothing when none waits.
    [[nodiscard]] std::optional<Item> pop()
    {
        for (auto& line : lines_) {
            if (line.turns.empty()) continue;
            const auto entry = line.items.find(line.turns.front());
            auto item = std::move(entry->second.front());
            entry->second.pop_front();
            --size_;
            if (entry->second.empty()) {
                line.items.erase(entry);
                line.turns.pop_front();
            } else {
                line.turns.splice(line.turns.end(), line.turns, line.turns.begin());
            }
            return item;
        }
        return std::nullopt;
    }

    /// False when it does not wait.
    bool erase(const Asker& asker, const Item& item)
    {
        auto& line = lines_[index(asker.standing)];
        const auto entry = line.items.find(asker.source);
        if (entry == line.items.end() || std::erase(entry->second, item) == 0) return false;
        --size_;
        if (entry->second.empty()) forget(line, entry);
        return true;
    }

    /// Whose place a newcomer may have: the last of the source that has most waiting, of the lowest standing
    /// that anybody has.  Nothing when the newcomer has no better claim: the victim is never of a better
    /// standing, and of the same only when its source would still have no less than the newcomer's.
    [[nodiscard]] std::optional<Item> displace_for(const Asker& newcomer)
    {
        for (auto standing = kStandings; standing-- > index(newcomer.standing);) {
            auto& line = lines_[standing];
            if (line.items.empty()) continue;
            auto most = line.items.begin();
            for (auto entry = line.items.begin(); entry != line.items.end(); ++entry) {
                if (entry->second.size() > most->second.size()) most = entry;
            }
            const bool same = standing == index(newcomer.standing);
            if (same && most->second.size() <= waiting(newcomer) + 1) return std::nullopt;
            auto victim = std::move(most->second.back());
            most->second.pop_back();
            --size_;
            if (most->second.empty()) forget(line, most);
            return victim;
        }
        return std::nullopt;
    }

    /// How many of this standing wait from this source.
    [[nodiscard]] std::size_t waiting(const Asker& asker) const
    {
        const auto& line = lines_[index(asker.standing)];
        const auto entry = line.items.find(asker.source);
        return entry == line.items.end() ? 0 : entry->second.size();
    }

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

  private:
    using Items = std::map<std::string, std::deque<Item>>;
    using Turns = std::list<std::string>;
    struct Line {
        Items items;  // by source; none is empty
        Turns turns;  // each source of `items` once
    };

    static constexpr std::size_t index(Standing standing) noexcept
    {
        return static_cast<std::size_t>(standing);
    }

    static void forget(Line& line, typename Items::iterator entry)
    {
        std::erase(line.turns, entry->first);
        line.items.erase(entry);
    }

    std::array<Line, kStandings> lines_;
    std::size_t size_ = 0;
};

}  // namespace securelogin::auth
