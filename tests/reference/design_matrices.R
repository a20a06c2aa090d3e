# Makes tests/reference/design_matrices.json: the columns R gives a formula (with lme4 for the
# bars), on a small made-up table, with several contrasts of factors.
# Needs R with lme4 and jsonlite. Run from the repository's folder:
# Rscript tests/reference/design_matrices.R

suppressPackageStartupMessages({
  library(lme4)
  library(jsonlite)
})

# --- Data: 30 rows, not balanced ---------------------------------------------------------------

text <- "
participant item school class condition group   size   x     z    y
p1          i1   north  a     easy      control small  0.50  1.20 2.31
p1          i2   north  a     hard      control medium -1.25 0.75 1.08
p1          i3   north  a     easy      control large  2.00  3.10 3.94
p1          i4   north  a     hard      control small  0.10  2.40 1.77
p1          i1   north  a     hard      control large  -0.40 1.05 2.02
p1          i2   north  a     easy      control small  1.30  0.35 2.89
p2          i1   north  b     easy      patient medium 0.85  1.90 1.46
p2          i2   north  b     easy      patient small  -2.10 2.20 -0.63
p2          i3   north  b     hard      patient large  1.75  0.60 1.15
p2          i4   north  b     hard      patient medium 0.00  1.45 0.22
p2          i3   north  b     easy      patient large  -0.95 4.00 1.38
p3          i1   south  a     easy      control large  1.10  2.75 3.57
p3          i2   south  a     hard      control small  -0.20 0.90 1.69
p3          i3   south  a     hard      control medium 0.65  1.60 2.14
p3          i4   south  a     easy      control small  -1.60 3.35 1.52
p4          i1   south  b     hard      patient small  2.40  0.50 0.97
p4          i2   south  b     easy      patient medium -0.75 1.15 0.81
p4          i3   south  c     hard      patient large  0.30  2.05 0.44
p4          i4   south  c     easy      patient small  1.45  1.75 2.06
p4          i4   south  c     hard      patient medium -1.05 0.80 -0.91
p5          i1   west   a     easy      control medium 0.20  3.60 2.75
p5          i2   west   a     hard      control large  1.90  1.30 2.58
p5          i3   west   a     easy      control small  -0.55 0.45 1.93
p5          i4   west   b     easy      control large  0.95  2.60 3.38
p5          i1   west   b     hard      control medium -1.80 1.00 0.67
p5          i2   west   b     easy      control medium 0.40  2.90 2.61
p6          i1   west   c     hard      patient small  1.15  0.70 0.59
p6          i3   west   c     easy      patient large  -0.30 1.85 1.27
p6          i4   west   c     hard      patient small  0.75  2.15 0.36
p6          i2   west   c     easy      patient medium -1.40 0.95 0.18
"
levels_of <- list(
  condition = c("easy", "hard"),
  group = c("control", "patient"),
  size = c("small", "medium", "large"),
  participant = paste0("p", 1:6),
  item = paste0("i", 1:4),
  school = c("north", "south", "west"),
  class = c("a", "b", "c")
)
table <- read.table(text = text, header = TRUE, stringsAsFactors = FALSE)
for (name in names(levels_of)) table[[name]] <- factor(table[[name]], levels_of[[name]])

# --- Contrasts ---------------------------------------------------------------------------------

# Each level less the one before; the same numbers and names as MASS::contr.sdif.
difference <- function(levels) {
  n <- length(levels)
  matrix <- outer(seq_len(n), seq_len(n - 1), function(i, j) ifelse(i <= j, j / n - 1, j / n))
  dimnames(matrix) <- list(levels, paste(levels[-1], levels[-n], sep = "-"))
  matrix
}

with_contrasts <- function(data, kinds) {
  for (name in names(kinds)) {
    contrasts(data[[name]]) <- switch(kinds[[name]],
      difference = difference(levels(data[[name]])),
      paste0("contr.", kinds[[name]])
    )
  }
  data
}

# --- Formulas ----------------------------------------------------------------------------------

default <- list(condition = "treatment", group = "treatment", size = "treatment")
case <- function(formula, ...) list(formula = formula, contrasts = modifyList(default, list(...)))
cases <- list(
  case("y ~ x"),
  case("y ~ x - 1"),
  case("y ~ x + (x | participant)"),
  case("y ~ 1 + (1 | participant)"),
  case("y ~ condition * group + (condition | participant) + (1 | item)"),
  case("y ~ condition * group + (condition | participant) + (1 | item)",
       condition = "sum", group = "sum"),
  case("y ~ 0 + condition"),
  case("y ~ 0 + condition + size", condition = "sum", size = "sum"),
  case("y ~ 0 + x + condition"),
  case("y ~ condition:group"),
  case("y ~ 0 + condition:group"),
  case("y ~ condition + condition:x"),
  case("y ~ condition + condition:x", condition = "sum"),
  case("y ~ condition + condition:group", condition = "sum", group = "sum"),
  case("y ~ size:x", size = "helmert"),
  case("y ~ size * x", size = "treatment"),
  case("y ~ size * x", size = "sum"),
  case("y ~ size * x", size = "helmert"),
  case("y ~ size * x", size = "poly"),
  case("y ~ size * x", size = "difference"),
  case("y ~ size * condition + (size | item)", size = "difference", condition = "sum"),
  case("y ~ size + x:z + (0 + condition | participant)"),
  case("y ~ size + x:z + (0 + condition | participant)", size = "poly", condition = "sum"),
  case("y ~ (condition + group + x)^2"),
  case("y ~ condition * group * x", condition = "sum", group = "difference"),
  case("y ~ x + I(x^2)"),
  case("y ~ log(z) + (1 + log(z) | participant)"),
  case("y ~ poly(x, 2) + (1 | item)"),
  case("y ~ x + offset(log(z)) + (1 | participant)"),
  case("y ~ condition + offset(log(z))"),
  case("y ~ x + (x || participant)"),
  case("y ~ x + (1 | school/class)"),
  case("y ~ x + (x | school/class)"),
  case("y ~ x + (1 | school) + (1 | school:class)"),
  case("y ~ condition * x + (condition * x | participant)"),
  case("y ~ condition * x + (condition * x | participant)", condition = "difference")
)

# --- Matrices ----------------------------------------------------------------------------------

# 17 significant digits (jsonlite's own limit is 15), so that every number reads back as it was.
numbers <- function(vector) paste0("[", paste(sprintf("%.17g", vector), collapse = ","), "]")
as_json <- function(text) structure(text, class = "json")
json_vector <- function(vector) as_json(numbers(vector))
json_matrix <- function(matrix) {
  as_json(paste0("[", paste(apply(matrix, 1, numbers), collapse = ","), "]"))
}
block <- function(matrix, names = colnames(matrix)) {
  list(names = names, rows = json_matrix(matrix))
}

bars_of <- function(formula, frame, re) {
  bars <- findbars(formula)
  # lme4 may sort the terms by their numbers of levels; we keep the order of the formula.
  names <- vapply(bars, function(bar) deparse(bar[[3]]), "")
  stopifnot(setequal(gsub(" ", "", names), names(re$cnms)))
  used <- rep(FALSE, length(re$cnms))
  lapply(seq_along(bars), function(i) {
    left <- as.formula(call("~", bars[[i]][[2]]))
    matrix <- model.matrix(left, frame)
    factor <- gsub(" ", "", names[i])
    fits <- vapply(re$cnms, function(terms) identical(terms, colnames(matrix)), NA)
    k <- which(!used & names(re$cnms) == factor & fits)[1]
    stopifnot(!is.na(k))
    used[k] <<- TRUE
    # The same columns, put together again from lme4's Z.
    z <- as.matrix(t(re$Ztlist[[k]]))
    column <- rep(seq_len(ncol(matrix)), length.out = ncol(z))
    again <- sapply(seq_len(ncol(matrix)), function(j) rowSums(z[, column == j, drop = FALSE]))
    stopifnot(max(abs(again - matrix)) < 1e-15)
    c(list(factor = unbox(factor)), block(matrix, I(colnames(matrix))))
  })
}

matrices <- function(case) {
  formula <- as.formula(case$formula)
  data <- with_contrasts(table, case$contrasts)
  if (is.null(findbars(formula))) {
    frame <- model.frame(formula, data)
    x <- model.matrix(formula, frame)
    bars <- list()
  } else {
    parts <- lFormula(formula, data)
    frame <- parts$fr
    x <- parts$X
    bars <- bars_of(formula, data, parts$reTrms)
    stopifnot(max(abs(x - model.matrix(nobars(formula), data))) < 1e-15)
  }
  offset <- model.offset(frame)
  list(
    formula = unbox(case$formula),
    contrasts = lapply(case$contrasts, unbox),
    x = block(x, I(colnames(x))),
    offset = if (is.null(offset)) as_json("null") else json_vector(offset),
    bars = bars
  )
}

# --- File: a line for each part ----------------------------------------------------------------

json <- function(value) toJSON(value, json_verbatim = TRUE)
data <- lapply(table, function(column) {
  if (is.factor(column)) as.character(column) else json_vector(column)
})
lines <- c(
  "{",
  paste0('"r": ', json(unbox(paste(R.version$major, R.version$minor, sep = "."))), ","),
  paste0('"lme4": ', json(unbox(as.character(packageVersion("lme4")))), ","),
  paste0('"data": ', json(data), ","),
  paste0('"levels": ', json(levels_of), ","),
  '"cases": [',
  paste(vapply(cases, function(case) as.character(json(matrices(case))), ""), collapse = ",\n"),
  "]",
  "}"
)
writeLines(lines, "tests/reference/design_matrices.json")
