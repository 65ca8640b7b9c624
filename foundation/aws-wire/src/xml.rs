//! XML answers.
