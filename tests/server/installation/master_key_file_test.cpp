#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <thread>
#include <vector>

#include "child.hpp"
#include "common/base64.hpp"
#include "server/data_directory.hpp"
#include "server/master_key_file.hpp"
#include "startup_error.hpp"
#include "tests/support/temporary_directory.hpp"

namespace securelogin {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;
using IfMissing = DataDirectory::IfMissing;

class MasterKeyFile : public testing::Test {
  protected:
    MasterKeyFile() : data_(DataDirectory::open(directory_ / "data", IfMissing::make)) {}

    void write(std::string_view content, mode_t mode = 0600)
    {
        std::filesystem::remove(data_.master_key());
        std::ofstream(data_.master_key(), std::ios::binary) << content;
        ASSERT_EQ(::chmod(data_.master_key().c_str(), mode), 0);
    }
    [[nodiscard]] std::string read() const
    {
        std::ifstream stream(data_.master_key(), std::ios::binary);
        return {std::istreambuf_iterator<char>(stream), {}};
    }
    [[nodiscard]] std::string load(IfMissing if_missing = IfMissing::make) const
    {
        return to_base64(data_.load_master_key(if_missing).bytes().bytes());
    }
    [[nodiscard]] std::string refusal(IfMissing if_missing = IfMissing::make) const
    {
        return refusal_of([&] { return load(if_missing); });
    }
    [[nodiscard]] std::size_t files() const
    {
        return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(data_.path()), {}));
    }

    support::TemporaryDirectory directory_;
    const DataDirectory data_;
    const std::string base64_ = std::string(42, 'A') + "E";  // 31 zeros and a one
    const std::string good_ = "SECURELOGIN-MASTER-KEY-1 " + base64_ + "=\n";
};

TEST_F(MasterKeyFile, IsMadeOnceAndStays)
{
    testing::internal::CaptureStderr();
    const auto key = load();
    EXPECT_THAT(testing::internal::GetCapturedStderr(),
                HasSubstr("made the master key " + data_.master_key().string()));
    testing::internal::CaptureStderr();
    EXPECT_EQ(load(), key);
    EXPECT_EQ(load(IfMissing::refuse), key);
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
    EXPECT_EQ(files(), 1U) << "nothing is left of the making";
}

TEST_F(MasterKeyFile, HasTheFormThatIsDocumented)
{
    const auto key = load();
    EXPECT_EQ(read(), "SECURELOGIN-MASTER-KEY-1 " + key + "=\n");
    struct stat status{};
    ASSERT_EQ(::stat(data_.master_key().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777U, 0600U);
    EXPECT_EQ(status.st_nlink, 1U);
}

TEST_F(MasterKeyFile, TheUmaskHasNoSayInItsMode)
{
    for (const mode_t mask : {0000U, 0777U}) {
        Child child([&] {
            ::umask(mask);
            [[maybe_unused]] const auto key = load();
            struct stat status{};
            return ::stat(data_.master_key().c_str(), &status) == 0 && (status.st_mode & 07777U) == 0600U ? 0
                                                                                                          : 1;
        });
        EXPECT_EQ(child.exit_code(), 0) << std::oct << mask;
        std::filesystem::remove(data_.master_key());
    }
}

TEST_F(MasterKeyFile, TwoInstallationsHaveTwoKeys)
{
    const auto other = DataDirectory::open(directory_ / "other", IfMissing::make);
    EXPECT_NE(load(), to_base64(other.load_master_key(IfMissing::make).bytes().bytes()));
}

TEST_F(MasterKeyFile, IsNotMadeWhenNotAskedTo)
{
    EXPECT_THAT(refusal(IfMissing::refuse),
                HasSubstr("master.key: is missing: start securelogind or enrol a user"));
    EXPECT_EQ(files(), 0U);
}

TEST_F(MasterKeyFile, IsNeverMadeBesideADatabase)
{
    std::ofstream(data_.database()) << "sealed";
    for (const auto if_missing : {IfMissing::make, IfMissing::refuse}) {
        EXPECT_EQ(refusal(if_missing),
                  data_.master_key().string() +
                      ": is missing, and securelogin.db is sealed with it: restore it from the backup");
    }
    EXPECT_EQ(files(), 1U);
}

TEST_F(MasterKeyFile, ADatabaseThatIsALinkToNowhereCountsAsOne)
{
    std::filesystem::create_symlink(directory_ / "unmounted", data_.database());
    EXPECT_THAT(refusal(), HasSubstr("restore it from the backup"));
}

TEST_F(MasterKeyFile, RefusesEveryBitForOthers)
{
    for (const mode_t bit : {0040U, 0020U, 0010U, 0004U, 0002U, 0001U}) {
        write(good_, 0600U | bit);
        EXPECT_THAT(refusal(), HasSubstr("lets others read it: chmod 600 " + data_.master_key().string()));
    }
}

TEST_F(MasterKeyFile, RefusesASymbolicLink)
{
    write(good_);
    std::filesystem::rename(data_.master_key(), directory_ / "elsewhere");
    std::filesystem::create_symlink(directory_ / "elsewhere", data_.master_key());
    EXPECT_THAT(refusal(), HasSubstr("master.key: reading it: is a symbolic link"));
    std::filesystem::remove(directory_ / "elsewhere");
    EXPECT_THAT(refusal(), HasSubstr("is a symbolic link")) << "nor is one made at the other end of it";
    EXPECT_FALSE(std::filesystem::exists(directory_ / "elsewhere"));
}

TEST_F(MasterKeyFile, RefusesWhatIsNoFile)
{
    std::filesystem::create_directory(data_.master_key());
    EXPECT_THAT(refusal(), HasSubstr("master.key: is not a regular file"));
    std::filesystem::remove(data_.master_key());
    ASSERT_EQ(::mkfifo(data_.master_key().c_str(), 0600), 0);
    EXPECT_THAT(refusal(), HasSubstr("is not a regular file")) << "and waits for no writer";
}

TEST_F(MasterKeyFile, RefusesAStrangersFile)
{
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    write(good_);
    ASSERT_EQ(::chown(data_.master_key().c_str(), 65534, 65534), 0);
    EXPECT_THAT(refusal(), HasSubstr("could read and change it"));
}

struct ContentCase {
    const char* name;
    std::string before, between,
        after;  // with the base64 of a good key between `before` and `after`, unless given
    bool good;
};

class Content : public MasterKeyFile, public testing::WithParamInterface<ContentCase> {};

TEST_P(Content, IsWholeOrRefused)
{
    const auto& row = GetParam();
    write(row.before + (row.between.empty() ? base64_ : row.between) + row.after);
    const auto content = read();
    if (row.good) {
        EXPECT_EQ(load(), base64_);
    } else {
        EXPECT_EQ(refusal(),
                  data_.master_key().string() + ": is not a whole master key: restore it from the backup");
    }
    EXPECT_EQ(read(), content) << "it is never written over";
}

const std::string kHead = "SECURELOGIN-MASTER-KEY-1 ";

INSTANTIATE_TEST_SUITE_P(
    MasterKeyFile, Content,
    testing::Values(
        ContentCase{"Padded", kHead, "", "=\n", true}, ContentCase{"Unpadded", kHead, "", "\n", true},
        ContentCase{"NoLineEnd", kHead, "", "=", true}, ContentCase{"Empty", "", "\n", "", false},
        ContentCase{"HeadOnly", kHead, "\n", "", false}, ContentCase{"NoHead", "", "", "=\n", false},
        ContentCase{"OtherVersion", "SECURELOGIN-MASTER-KEY-2 ", "", "=\n", false},
        ContentCase{"LowerCase", "securelogin-master-key-1 ", "", "=\n", false},
        ContentCase{"BlankFirst", " " + kHead, "", "=\n", false},
        ContentCase{"TwoBlanks", kHead + " ", "", "=\n", false},
        ContentCase{"BlankLast", kHead, "", "= \n", false},
        ContentCase{"CarriageReturn", kHead, "", "=\r\n", false},
        ContentCase{"TwoLines", kHead, "", "=\n\n", false},
        ContentCase{"Newer", kHead + std::string(42, 'A') + "I=\n" + kHead, "", "=\n", true},
        ContentCase{"ThreeKeys",
                    kHead + std::string(42, 'A') + "I=\n" + kHead + std::string(42, 'A') + "M=\n" + kHead, "",
                    "=\n", false},
        ContentCase{"AnEmptyLineBetween", kHead + std::string(42, 'A') + "I=\n\n" + kHead, "", "=\n", false},
        ContentCase{"SecondCutOff", kHead + std::string(42, 'A') + "I=\n" + kHead.substr(0, 9), "\n", "",
                    false},
        ContentCase{"Twice", kHead + std::string(42, 'A') + "E=\n" + kHead, "", "=\n", false},
        ContentCase{"TooShort", kHead, std::string(42, 'A'), "\n", false},
        ContentCase{"TooLong", kHead, std::string(44, 'A'), "\n", false},
        ContentCase{"FarTooLong", kHead, std::string(100000, 'A'), "\n", false},
        ContentCase{"StrayBits", kHead, std::string(42, 'A') + "B", "=\n", false},
        ContentCase{"NotBase64", kHead, std::string(42, '-') + "E", "=\n", false},
        ContentCase{"Nul", kHead, std::string(43, '\0'), "\n", false},
        ContentCase{"Zeros", "", std::string(70, '\0'), "", false},
        ContentCase{"Words", "", "my master key", "\n", false}),
    [](const auto& row) { return row.param.name; });

// ---- two of them, while the key is rotated ----

TEST_F(MasterKeyFile, IsReplacedAsAWhole)
{
    auto keys = data_.load_master_keys(IfMissing::make);
    ASSERT_EQ(keys.size(), 1U);
    const auto first = keys.front().id();
    keys.push_back(generate_master_key());
    const auto second = keys.back().id();
    data_.replace_master_keys(keys);
    struct stat status{};
    ASSERT_EQ(::stat(data_.master_key().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777U, 0600U);
    EXPECT_EQ(files(), 1U) << "nothing is left of the writing";
    const auto both = data_.load_master_keys(IfMissing::refuse);
    ASSERT_EQ(both.size(), 2U);
    EXPECT_EQ(both.front().id(), first);
    EXPECT_EQ(both.back().id(), second);
    keys.erase(keys.begin());
    data_.replace_master_keys(keys);
    EXPECT_EQ(data_.load_master_key(IfMissing::refuse).id(), second);
    EXPECT_EQ(read(), key_line(keys.front()).view());
}

TEST_F(MasterKeyFile, IsReadAgainWhereAKeyIsMissed)
{
    const auto source = data_.master_keys(IfMissing::make);
    auto keys = source();
    ASSERT_EQ(keys.size(), 1U);
    keys.push_back(generate_master_key());
    data_.replace_master_keys(keys);
    EXPECT_EQ(source().size(), 2U);
    std::filesystem::remove(data_.master_key());
    EXPECT_THAT(refusal_of([&] { return source(); }), HasSubstr("master.key: is missing: restore it"));
    EXPECT_EQ(files(), 0U) << "and never made then";
}

// ---- from the service manager ----

class Credential : public MasterKeyFile {
  protected:
    Credential()
    {
        std::filesystem::create_directory(credentials_);
        ::setenv("CREDENTIALS_DIRECTORY", credentials_.c_str(), 1);
    }
    ~Credential() override { ::unsetenv("CREDENTIALS_DIRECTORY"); }
    Credential(const Credential&) = delete;
    Credential& operator=(const Credential&) = delete;

    void hand_over(std::string_view content, mode_t mode = 0400) const
    {
        const auto file = credentials_ / "securelogin-master-key";
        std::filesystem::remove(file);
        std::ofstream(file, std::ios::binary) << content;
        ASSERT_EQ(::chmod(file.c_str(), mode), 0);
    }

    const std::filesystem::path credentials_ = directory_ / "credentials";
};

TEST_F(Credential, IsTakenAndNoFileIsMade)
{
    hand_over(good_);
    EXPECT_EQ(load(), base64_);
    EXPECT_EQ(load(IfMissing::refuse), base64_);
    EXPECT_EQ(files(), 0U);
}

TEST_F(Credential, GoesBeforeTheFile)
{
    const auto other = std::string(42, 'A') + "I";
    write("SECURELOGIN-MASTER-KEY-1 " + other + "=\n");
    EXPECT_EQ(load(), other) << "there is none";
    hand_over(good_);
    EXPECT_EQ(load(), base64_);
}

TEST_F(Credential, StaysAsItWasAtTheStart)
{
    const auto other = "SECURELOGIN-MASTER-KEY-1 " + std::string(42, 'A') + "I=\n";
    hand_over(good_ + other);
    EXPECT_TRUE(DataDirectory::gets_master_key_from_credential());
    const auto source = data_.master_keys(IfMissing::refuse);
    std::filesystem::remove_all(credentials_);  // as Landlock would have it
    const auto keys = source();
    ASSERT_EQ(keys.size(), 2U);
    EXPECT_EQ(key_line(keys.front()).view(), good_);
    EXPECT_EQ(key_line(keys.back()).view(), other);
    EXPECT_FALSE(DataDirectory::gets_master_key_from_credential());
}

TEST_F(Credential, AnAccessControlListsMaskIsNoOpenFile)
{
    hand_over(good_, 0440);
    EXPECT_EQ(load(), base64_);
}

TEST_F(Credential, ThatIsNoKeyIsRefusedAndNothingIsMade)
{
    write(good_);
    const auto name = (credentials_ / "securelogin-master-key").string();
    for (const auto* content : {"", "my master key", "SECURELOGIN-MASTER-KEY-1 AAAA="}) {
        hand_over(content);
        EXPECT_THAT(refusal(), HasSubstr(name + ": is not a whole master key")) << content;
    }
    for (const mode_t mode : {0404U, 0420U, 0444U}) {
        hand_over(good_, mode);
        EXPECT_THAT(refusal(), HasSubstr("lets others read it")) << std::oct << mode;
    }
    hand_over(good_);
    std::filesystem::rename(name, name + ".real");
    std::filesystem::create_symlink(name + ".real", name);
    EXPECT_THAT(refusal(), HasSubstr(name));
}

// ---- at once ----

constexpr int kAtOnce = 16;

/// All of them wait at a gate, so that they truly start together.
TEST_F(MasterKeyFile, ManyThreadsEndUpWithOneKey)
{
    for (int round = 0; round < 20; ++round) {
        std::atomic<int> waiting = kAtOnce;
        std::vector<std::string> keys(kAtOnce);
        std::vector<std::jthread> threads;
        for (auto& key : keys) {
            threads.emplace_back([&] {
                --waiting;
                while (waiting > 0) std::this_thread::yield();
                key = load();
            });
        }
        threads.clear();
        EXPECT_THAT(keys, testing::Each(load(IfMissing::refuse)));
        EXPECT_EQ(files(), 1U);
        std::filesystem::remove(data_.master_key());
    }
}

TEST_F(MasterKeyFile, ManyProcessesEndUpWithOneKeyAndOneDirectory)
{
    const auto path = directory_ / "new";
    std::vector<std::string> keys;
    int gate[2]{};
    int answers[2]{};
    ASSERT_EQ(::pipe(gate), 0);
    ASSERT_EQ(::pipe(answers), 0);
    std::vector<Child> children;
    for (int i = 0; i < kAtOnce; ++i) {
        children.emplace_back([&] {
            ::close(gate[1]);
            char closed{};
            if (::read(gate[0], &closed, 1) != 0) return 1;
            const auto key = DataDirectory::open(path, IfMissing::make).load_master_key(IfMissing::make);
            const auto line = to_base64(key.bytes().bytes()) + "\n";
            return ::write(answers[1], line.data(), line.size()) == static_cast<ssize_t>(line.size()) ? 0 : 2;
        });
    }
    ::close(gate[0]);
    ::close(gate[1]);  // opens it
    for (auto& child : children) EXPECT_EQ(child.exit_code(), 0);
    std::string all(kAtOnce * 44, '\0');  // less than a pipe holds
    EXPECT_EQ(::read(answers[0], all.data(), all.size()), static_cast<ssize_t>(all.size()));
    ::close(answers[0]);
    ::close(answers[1]);
    for (int i = 0; i < kAtOnce; ++i) keys.push_back(all.substr(static_cast<std::size_t>(i) * 44, 43));
    EXPECT_THAT(keys, testing::Each(keys.front()));
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(path), {}), 1);
}

}  // namespace
}  // namespace securelogin
