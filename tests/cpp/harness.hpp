// A test harness of our own: no framework to install, one line for each test in the order of their names.
//
// SCENARIO(name) { ... } defines and registers a test. CHECK notes a failure and goes on; REQUIRE ends the scenario. An
// exception that leaves a scenario fails it.
#ifndef MT_TEST_HARNESS_HPP
#define MT_TEST_HARNESS_HPP

#include <chrono>
#include <functional>
#include <sstream>
#include <string>
#include <string_view>
#include <type_traits>

#include "mt_transcode/mt_transcode.hpp"

namespace test {

struct scenario {
  scenario(const char* name, void (*run)());
};

struct ended {};  // thrown by REQUIRE

void fail(const char* file, int line, const std::string& what);

template <class T>
std::string shown(const T& value) {
  std::ostringstream text;
  if constexpr (std::is_enum_v<T>) {
    text << static_cast<std::underlying_type_t<T>>(value);
  } else {
    text << value;
  }
  if constexpr (std::is_same_v<T, int>) {
    if (value < 0) text << " " << mt::name_of(value);
  }
  return text.str();
}

template <class A, class B>
bool equal(const char* file, int line, const char* what, const A& actual, const B& expected) {
  if (actual == expected) return true;
  fail(file, line, std::string(what) + " is " + shown(actual) + ", expected " + shown(expected));
  return false;
}

inline bool holds(const char* file, int line, const char* what, bool condition) {
  if (!condition) fail(file, line, what);
  return condition;
}

inline bool contains(const char* file, int line, const char* what, std::string_view text, std::string_view part) {
  if (text.find(part) != std::string_view::npos) return true;
  fail(file, line, std::string(what) + " is \"" + std::string(text.substr(0, 300)) + "\", without \"" + std::string(part) + "\"");
  return false;
}

// How long a wait may last before it counts as a failure: generous, as it is only reached when something is broken.
std::chrono::milliseconds patience();

// Asks `condition` again and again until it holds; false when patience is over.
bool eventually(const std::function<bool()>& condition);

// A path in this run's own temporary folder, which is removed at the end.
std::string temporary(std::string_view name);

}  // namespace test

#define SCENARIO(name)                              \
  static void name();                               \
  static const test::scenario name##_scenario(#name, name); \
  static void name()
#define CHECK(...) test::holds(__FILE__, __LINE__, #__VA_ARGS__, static_cast<bool>(__VA_ARGS__))
#define CHECK_EQUAL(actual, expected) test::equal(__FILE__, __LINE__, #actual, actual, expected)
#define CHECK_CONTAINS(text, part) test::contains(__FILE__, __LINE__, #text, text, part)
#define REQUIRE(...) \
  do {               \
    if (!CHECK(__VA_ARGS__)) throw test::ended(); \
  } while (false)

#endif
