// importer.hpp: rows in, accounts out, all of them or none.
//
// The calling thread reads rows and puts accounts on one side (store/import_staging.hpp); a crew on all cores
// judges, wraps and seals meanwhile.  What is under way is bounded, so memory is, whatever the file's size.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <future>
#include <string>
#include <variant>
#include <vector>

#include "server/admin/import/import_row.hpp"
#include "server/admin/import/judgement.hpp"
#include "server/admin/import/work_crew.hpp"
#include "server/auth/clock.hpp"
#include "server/auth/phc.hpp"
#include "server/store/import_staging.hpp"

namespace securelogin::admin {

/// A row that is not taken in.
struct PassedOver {
    std::uint64_t row = 0;
    std::string name;    // as it was read; may hold anything
    std::string reason;  // may hold names as they were read
    bool fault = true;   // else it is left out as its own program would have it: locked, disabled
};

struct ImportSummary {
    static constexpr std::size_t kMostListed = 10'000;

    std::uint64_t rows = 0;
    std::uint64_t accounts = 0;
    std::uint64_t invited = 0;      // of them: they have no key for one-time codes
    std::uint64_t no_password = 0;  // of them: they have a key, and cannot log in until a password is set
    std::uint64_t wrapped = 0;      // of them: their hash was weak
    std::uint64_t weaker = 0;       // of them: their Argon2id hash is weaker than the floor
    std::uint64_t left_out = 0;
    std::uint64_t faults = 0;
    std::vector<PassedOver> passed_over = {};  // in the order of rows; the first kMostListed
};

class Importer {
  public:
    struct Plan {
        bool apply = false;     // else nothing is hashed or sealed
        bool skip_bad = false;  // else one fault is enough: nothing more is hashed or sealed
        auth::HashParameters hash = {};
        std::size_t threads = 1;
        auth::Time now = {};  // for which invitations are good
    };
    /// Told how far it is: the position in the source, rows.
    using Progress = std::function<void(std::uint64_t, std::uint64_t)>;

    /// All have to outlive this.
    Importer(store::ImportStaging& staging, auth::Random& random, const Plan& plan, Progress progress);

    /// Everything of `rows` that can be taken in is staged when this returns; nothing is published.
    /// Once.  Throws Failure, auth::StoreError.
    [[nodiscard]] ImportSummary gather(RowSource& rows);

  private:
    /// A row on its way: what was read, then what it has become.
    struct Prepared {
        ImportRow row;
        auth::UserId id{};
        std::variant<std::monostate, store::StagedAccount, std::string> result = {};  // a string: why not
    };
    using Batch = std::vector<Prepared>;

    void add(ImportRow row);
    void send_off();
    void settle_oldest();
    void settle(Prepared& prepared);
    void prepare(Batch& batch, WorkCrew::Desk& desk, bool whole) const;
    void prepare(Prepared& prepared, WorkCrew::Desk& desk, bool whole) const;
    void seal(const Newcomer& newcomer, store::StagedAccount& account, WorkCrew::Desk& desk) const;
    void count(int note, bool in);
    void pass_over(PassedOver passed);
    [[nodiscard]] auth::UserId next_id();
    [[nodiscard]] std::uint32_t random_number();
    [[nodiscard]] bool is_doomed() const noexcept { return summary_.faults > 0 && !plan_.skip_bad; }

    store::ImportStaging& staging_;
    auth::Random& random_;
    const Plan plan_;
    const Progress progress_;
    const Secret unusable_;  // of who has no password: a hash that none is known for
    std::string unit_ = {};
    std::int64_t last_id_ = 0;
    std::array<std::uint32_t, 1024> numbers_{};
    std::size_t numbers_left_ = 0;
    ImportSummary summary_ = {};
    Batch batch_ = {};
    std::deque<std::future<Batch>> under_way_ = {};
    WorkCrew crew_;  // last: its threads use all of it
};

}  // namespace securelogin::admin
