# Makes tests/reference/design_effects.json: effects of crossed factors on cell means, some of which
# share their datasets, by lm with cluster-robust covariances: Wald tests of type III with contrasts
# that sum to zero (car), differences of marginal means (emmeans), and sums of squares of the means.
# Needs R with car, sandwich, emmeans and jsonlite, and takes some seconds.
# Run from the repository's folder: Rscript tests/reference/design_effects.R

suppressPackageStartupMessages({
  library(car)
  library(sandwich)
  library(emmeans)
  library(jsonlite)
})
options(contrasts = c("contr.sum", "contr.poly"))
RNGversion("4.0.0")
set.seed(20261127)

truths <- c("small", "large")
participants <- c("10", "20", "40")
cells <- expand.grid(prior = c("weak", "tight"), model = c("pooled", "partial", "none"))
scenarios <- expand.grid(participants = participants, truth = truths)
datasets <- c(5, 9, 7, 12, 6, 8) # of the scenarios
rows <- list()
for (s in seq_len(nrow(scenarios))) {
  for (dataset in seq_len(datasets[s])) {
    spread <- 2 / sqrt(as.numeric(as.character(scenarios$participants[s])))
    value <- spread * (rnorm(1) + 0.6 * rnorm(nrow(cells))) + 0.2 * (cells$model == "pooled") +
      0.3 * (cells$prior == "tight") * (scenarios$truth[s] == "large")
    rows[[length(rows) + 1]] <- data.frame(
      scenarios[s, , drop = FALSE], cells, dataset = dataset,
      cluster = paste(s, dataset), value = round(value, 6), row.names = NULL
    )
  }
}
table <- do.call(rbind, rows)
factors <- c("truth", "participants", "model", "prior")
table[factors] <- lapply(table[factors], function(x) factor(x, levels = unique(x)))

fit <- lm(value ~ truth * participants * model * prior, table)
# HC2 by clusters is the correction of Bell & McCaffrey, here n / (n - 1) of each scenario.
covariance <- vcovCL(fit, cluster = table$cluster, type = "HC2")
tests <- Anova(fit, type = 3, vcov. = covariance)
means <- aggregate(value ~ truth + participants + model + prior, table, mean)
squares <- anova(lm(value ~ truth * participants * model * prior, means))

difference <- function(factor) {
  all <- summary(emmeans(fit, factor, vcov. = covariance))
  pairs <- as.data.frame(pairs(emmeans(fit, factor, vcov. = covariance)))
  largest <- which.max(abs(pairs$estimate))
  levels <- as.character(all[[factor]])
  list(
    value = abs(pairs$estimate[largest]), se = pairs$SE[largest],
    from = levels[which.min(all$emmean)], to = levels[which.max(all$emmean)]
  )
}

names <- rownames(tests)
shown <- names[grepl("^[a-z]+(:[a-z]+)?$", names)]
write_json(
  list(
    made_with = paste(
      R.version.string, "with car", packageVersion("car"),
      "and sandwich", packageVersion("sandwich")
    ),
    data = table[c(factors, "dataset", "value")],
    wald = lapply(setNames(shown, shown), function(name) {
      list(df = tests[name, "Df"], f = tests[name, "F"])
    }),
    squares = setNames(as.list(squares[["Sum Sq"]]), rownames(squares)),
    differences = lapply(setNames(factors, factors), difference)
  ),
  "tests/reference/design_effects.json",
  auto_unbox = TRUE, digits = NA, dataframe = "columns"
)
