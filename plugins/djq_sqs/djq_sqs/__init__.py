"""Amazon SQS as the message broker of djq."""
